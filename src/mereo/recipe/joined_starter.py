"""The first recipe for data of several sources: a parser from random weights, with a head for the tasks they teach."""

from typing import Any

import yaml

from mereo.data.sources import JoinedSource
from mereo.recipe.recipe import Recipe
from mereo.recipe.starter import BATCH_SIZE, DEFAULT_SIDE, EPOCHS, FEWEST_STEPS, MOST_STEPS, crop_size, run_name
from mereo.strict_yaml import validated

MADE_BY = (
    "# Made by `mereo data prepare`, which overwrites it when it is run again; take this line out to keep changes.\n"
)


def joined_recipe(
    *,
    name: str,
    train: JoinedSource,
    val: JoinedSource | None,
    tasks: list[str],
    num_train_images: int,
    image_size: tuple[int, int],
) -> str:
    """A recipe as YAML, validated before it is given back. Objects alone get a plain head, others one of tasks."""
    side = min(max(image_size), DEFAULT_SIDE)
    has_objects, is_plain = "objects" in tasks, tasks == ["objects"]
    balance = {"class_balance": 0.3} if has_objects else {}
    path = {"stage": "atrous_pyramid", "width": 128}
    if not is_plain:
        path = {"stage": "feature_levels", "width": 128, "finest_stride": 4}
    content: dict[str, Any] = {
        "name": run_name(name),
        "train_data": _plain(train),
        **({} if val is None else {"val_data": _plain(val)}),
        "augmentation": {
            "crop": list(crop_size(image_size, side)),
            "working_side": side,
            "scale": [0.75, 1.5],
            "colour": 0.3,
            **({"rare_class_share": 0.5} if has_objects else {}),
        },
        "parser": {
            "backbone": {"name": "mobilenetv2_100", "output_stride": 16 if is_plain else 32},
            "path": [path],
            "heads": [{"head": "pixel_classes"} if is_plain else {"head": "perceptual", "width": 128}],
            "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "working_side": side},
        },
        "losses": [{"loss": "pixel_cross_entropy" if is_plain else "perceptual", **balance}],
        "training": {
            "steps": min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * num_train_images // BATCH_SIZE)),
            "batch_size": BATCH_SIZE,
            "optimizer": {"kind": "adamw", "learning_rate": 3e-4, "head_factor": 10, "weight_decay": 1e-2},
            "schedule": {"kind": "poly", "warmup_steps": 20},
        },
    }
    validated(Recipe, content, source=f"the recipe of {name}")
    note = "# It starts from random weights. Online, set parser.backbone.weights: hub\n"
    return (
        MADE_BY
        + note
        + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    )


def _plain(joined: JoinedSource) -> dict[str, Any]:
    content: dict[str, Any] = joined.model_dump(mode="json", exclude_defaults=True)
    sources = {
        name: {"format": source.format, **source.model_dump(mode="json", exclude_defaults=True)}
        for name, source in joined.sources.items()
    }
    return {"format": "joined", **content, "sources": sources}
