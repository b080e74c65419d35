"""A run that goes on must be the run that was begun: what may differ, and how the rest is compared."""

from typing import Any

from mereo.errors import BadInput
from mereo.strict import StrictConfig

# What may change when a run goes on elsewhere: none of it changes a number.
FREE_ON_RESUME = ("device", "num_devices", "num_threads", "num_workers", "checkpoint_every", "keep_last")


def require_same_recipe(now: StrictConfig, before: StrictConfig) -> None:
    """Both have `training`, whose free keys are left out."""
    changed = sorted(_differences(_fixed(before), _fixed(now)))
    if changed:
        raise BadInput(
            f"a resumed run must keep its recipe, but got changes at {', '.join(changed[:5])}; "
            "undo them, or start another run with --out."
        )


def _fixed(recipe: StrictConfig) -> dict[str, Any]:
    content = recipe.model_dump(mode="json")
    content["training"] = {key: value for key, value in content["training"].items() if key not in FREE_ON_RESUME}
    return content


def _differences(before: Any, now: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = before.keys() | now.keys()
        return [d for key in keys for d in _differences(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))]
    return [] if before == now else [path]
