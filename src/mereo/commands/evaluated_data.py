"""Which images `mereo evaluate` measures on: a split of a labelled folder, or the val data of a recipe or run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.run_files import RECIPE_FILE

if TYPE_CHECKING:
    from mereo.data.sample import Samples
    from mereo.recipe.recipe import Recipe

SPLIT = "val"


def evaluated_samples(
    parser: str, data: Path | None, *, split: str | None, description: str | None
) -> "tuple[Samples, dict[str, Any]]":
    """The samples, and the conditions that say which they are: those of a recipe as `mereo train` writes them."""
    from mereo.data.formats.folder_format import FolderSamples
    from mereo.data.sources import open_samples
    from mereo.errors import BadInput
    from mereo.recipe.recipe import folder_of_recipe

    if data is not None and not is_recipe(data):
        split = SPLIT if split is None else split
        return FolderSamples(data, split=split, description=description), {"parser": parser, "split": split}
    path = Path(parser) if data is None else data
    recipe = _recipe_of(path)
    given = [name for name, value in {"--split": split, "--description": description}.items() if value is not None]
    if given:
        raise BadInput(
            f"{' and '.join(given)} must go with a folder as --data, but got "
            f"{'none' if data is None else f'the recipe {data}'}; name it in the recipe's val_data."
        )
    if recipe.val_data is None:
        raise BadInput(f"the run's recipe must have val_data, but got none in {path}; pass --data FOLDER.")
    samples = open_samples(recipe.val_data, folder=folder_of_recipe(path))
    return samples, {"parser": parser, "data": recipe.val_data.model_dump(mode="json")}


def is_recipe(data: Path) -> bool:
    return data.suffix in (".yaml", ".yml") and data.is_file()


def _recipe_of(path: Path) -> "Recipe":
    """Of a run folder, or of a recipe."""
    from mereo.errors import BadInput
    from mereo.recipe.recipe import load_recipe

    if not (path / RECIPE_FILE).is_file() and not is_recipe(path):
        raise BadInput(f"evaluate must know the data, but got only a parser ({path}); pass --data FOLDER.")
    return load_recipe(path)
