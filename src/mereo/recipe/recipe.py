"""Recipe: one complete run as data. A YAML file, `key.path=value` overrides on top, validated; no inheritance."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from mereo.errors import BadInput
from mereo.parser.config import ParserConfig
from mereo.parser.model_card import ModelCard
from mereo.parser.objective import LossConfig, PixelCrossEntropyConfig
from mereo.recipe.any_recipe import AnyRecipe
from mereo.recipe.recipe_path import existing_recipe_file, recipe_file
from mereo.run_files import RUN_FILE
from mereo.strict import StrictConfig
from mereo.strict_yaml import MAX_DEPTH, dump_yaml, load_yaml, load_yaml_file, validated
from mereo.training.settings import TrainingConfig


class EvaluationConfig(StrictConfig):
    scales: tuple[Annotated[float, Field(gt=0, le=8)], ...] = Field((1.0,), min_length=1, max_length=32)
    flip: bool = False


class Recipe(AnyRecipe):
    """One complete run of a parser: what is trained on which data, how, and how it is measured."""

    parser: ParserConfig
    start_from: str | None = Field(None, description="a parser file or built-in name: every weight that fits is taken")
    losses: tuple[LossConfig, ...] = (PixelCrossEntropyConfig(),)
    training: TrainingConfig
    evaluation: EvaluationConfig = EvaluationConfig()
    card: ModelCard = ModelCard()


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file (or of a run folder) with `key.path=value` overrides."""
    return validated(Recipe, recipe_content(path, overrides), source=f"recipe {recipe_file(path)}")


def recipe_content(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """What stands in the file, with overrides, whichever kind of recipe it is."""
    file = existing_recipe_file(path)
    content = load_yaml_file(file)
    if not isinstance(content, dict):
        raise BadInput(f"recipe must be a mapping of keys, but got {type(content).__name__} in {file}; see recipes/.")
    return with_overrides(content, overrides)


def with_overrides(content: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A copy with `key.path=value` written into it, one after the other. Unknown keys are the reader's to refuse."""
    for override in overrides:
        content = _overridden(content, override)
    return content


def folder_of_recipe(path: Path) -> Path:
    """Where a recipe's relative paths start: beside the file, or where the recipe of a run lay, as its run.json says.

    `path` is a recipe file, a run folder or the recipe in it.
    """
    folder = recipe_file(path).parent
    try:
        return folder / json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["recipe_folder"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return folder


def recipe_yaml(recipe: StrictConfig) -> str:
    """The resolved run as YAML, every default written out."""
    return dump_yaml(recipe.model_dump(mode="json"))


def _overridden(content: dict[str, Any], override: str) -> dict[str, Any]:
    key_path, equals, text = override.partition("=")
    keys = key_path.strip().split(".")
    if not equals or not all(keys) or len(keys) > MAX_DEPTH:
        raise BadInput(f"an override must be key.path=value, but got {override!r:.200}; e.g. training.steps=100.")
    value = load_yaml(text, source=f"override {override!r:.200}") if text.strip() else None
    return _replaced(content, keys, value, override)


def _replaced(content: Any, keys: list[str], value: Any, override: str) -> Any:
    """A copy of nested dictionaries and lists with one place changed; list places are numbers."""
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(content, list):
        if not key.isdecimal() or len(key) > 9 or int(key) >= len(content):
            raise BadInput(
                f"a list place must be a number below {len(content)}, but got {key!r:.80} in override "
                f"{override!r:.200}; give the whole list to make it longer."
            )
        return [_replaced(item, rest, value, override) if i == int(key) else item for i, item in enumerate(content)]
    if content is not None and not isinstance(content, dict):
        raise BadInput(
            f"an override must reach into a mapping, but got a value before {key!r:.80} in {override!r:.200}; "
            "shorten the path."
        )
    return {**(content or {}), key: _replaced((content or {}).get(key), rest, value, override)}
