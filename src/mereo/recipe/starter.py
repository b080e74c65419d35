"""The first recipe for somebody's own data: fine-tunes a built-in parser with the folder's classes."""

import re
from typing import Any

import yaml

from mereo.parser.config import ParserConfig
from mereo.parser.parser_names import is_on_hub
from mereo.parser.weights import built_in_parsers, card_of, find_parser_file, read_metadata
from mereo.recipe.recipe import Recipe
from mereo.strict_yaml import validated

STARTING_PARSER = "street"  # One class a pixel, as most people label, and quick to train.
FREE_PARSER = "drawn"  # It has seen nobody's pictures.
PLAIN_HEAD = "pixel_classes"
DEFAULT_SIDE = 480
# Seen this many times, a small data set is learned and not yet learned by heart.
EPOCHS, FEWEST_STEPS, MOST_STEPS = 20, 200, 4000
BATCH_SIZE = 8


def starter_recipe(
    *,
    name: str,
    root: str,
    description: str,
    train_split: str,
    val_split: str,
    num_train_images: int,
    image_size: tuple[int, int],
    start_from: str | None = None,
) -> str:
    """A recipe as YAML with a few comments; it is validated before it is given back.

    `root` and `description` are paths as seen from the recipe's folder. `start_from` is a built-in parser or a file;
    left out, it is `STARTING_PARSER`, and without any built-in parser the recipe trains from random weights.
    """
    built_in = built_in_parsers()
    chosen = (
        start_from
        if start_from is not None
        else next(iter([STARTING_PARSER] if STARTING_PARSER in built_in else built_in), None)
    )
    parser = _fresh_parser() if chosen is None else _parser_of(chosen)
    # Small photographs are not blown up for training, since they are not for parsing either.
    side = min(max(image_size), int(parser.get("preprocessing", {}).get("working_side") or DEFAULT_SIDE))
    source = {"format": "folder", "root": root, "description": description}
    content: dict[str, Any] = {
        "name": run_name(name),
        "train_data": {**source, "split": train_split},
        "val_data": {**source, "split": val_split},
        "augmentation": {
            "crop": list(crop_size(image_size, side)),
            "working_side": side,
            "scale": [0.75, 2.0],
            "colour": 0.4,
            "rare_class_share": 0.5,
        },
        "parser": parser,
        **({} if chosen is None else {"start_from": chosen}),
        "losses": [{"loss": "pixel_cross_entropy", "class_balance": 0.3}],
        "training": {
            "steps": min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * num_train_images // BATCH_SIZE)),
            "batch_size": BATCH_SIZE,
            "optimizer": {"kind": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4},
            "schedule": {"kind": "poly", "warmup_steps": 20},
        },
    }
    validated(Recipe, content, source=f"the starter recipe of {name}")
    weights_note = (
        "# No built-in parser was found: this starts from random weights. Online, set parser.backbone.weights: hub\n"
        if chosen is None
        else _start_note(chosen)
    )
    return f"# Train with: mereo train recipe.yaml\n{weights_note}{_readable_yaml(content)}"


def starting_parser(name_or_path: str) -> str:
    """As a recipe in any folder may name it: a built-in parser and one on the hub by name, a file by its whole path."""
    if name_or_path in built_in_parsers() or is_on_hub(name_or_path):
        return name_or_path
    return str(find_parser_file(name_or_path).resolve())


def _start_note(chosen: str) -> str:
    note = f"# Fine-tunes {chosen!r}: every weight that fits is taken, the rest is learned anew.\n"
    card = card_of(chosen)
    if not card.has_terms:
        return note
    terms = " ".join(card.terms.split())  # A comment is one line, whatever a stranger's card says.
    note += f"# What comes out stands under its terms: {terms}.\n"
    if chosen == FREE_PARSER:
        return note
    way = f"mereo init FOLDER --start-from {FREE_PARSER} --force"
    return f"{note}# To start free of them: {way}, or take start_from out.\n"


def _readable_yaml(content: dict[str, Any]) -> str:
    """One line for each innermost list or mapping, as people write recipes."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def run_name(text: str) -> str:
    """
    >>> run_name("My photos (2024)")
    'My_photos_2024'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")[:80] or "my_data"


def crop_size(image_size: tuple[int, int], working_side: int) -> tuple[int, int]:
    """Height and width of a crop: the typical image at the working side, in multiples of 16.

    >>> crop_size((3000, 4000), 480)
    (352, 480)
    """
    scale = working_side / max(image_size)
    return tuple(max(16, round(length * scale / 16) * 16) for length in image_size)  # type: ignore[return-value]


def _parser_of(name: str) -> dict[str, Any]:
    """A parser's own configuration, so that its weights fit; one head that says classes, which is all that is learned
    from label maps, in place of several or of another kind."""
    config = validated(ParserConfig, read_metadata(find_parser_file(name))["config"], source=f"parser {name}")
    content: dict[str, Any] = config.model_dump(mode="json", exclude_none=True)
    content.pop("temperature")  # Fitted to the answers of a head that is learned anew.
    if [head["head"] for head in content["heads"]] != [PLAIN_HEAD]:
        content["heads"] = [{"head": PLAIN_HEAD}]
    return content


def _fresh_parser() -> dict[str, Any]:
    return {
        "backbone": {"name": "mobilenetv2_100", "output_stride": 16},
        "path": [{"stage": "atrous_pyramid", "width": 128}],
        "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "working_side": DEFAULT_SIDE},
    }
