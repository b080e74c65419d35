"""What `mereo evaluate --fit-familiarity` fits and says."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mereo.data.sample import Samples
    from mereo.evaluation.familiarity_fit import FamiliarityFit


def training_samples(parser: Path, data: Path | None, *, split: str, description: str | None) -> "Samples":
    """What the parser was trained on: the recipe's training data, or the split train of the folder."""
    from mereo.data.formats.folder_format import FolderSamples
    from mereo.data.sources import open_samples
    from mereo.errors import BadInput
    from mereo.recipe.recipe import folder_of_recipe, load_recipe

    if data is None or data.is_file():
        recipe = parser if data is None else data
        return open_samples(load_recipe(recipe).train_data, folder=folder_of_recipe(recipe))
    if split == "train":
        raise BadInput(
            "--split must be of pictures that the parser was not trained on to fit familiarity, but got train; "
            "e.g. --split val."
        )
    return FolderSamples(data, split="train", description=description)


def familiarity_in_words(fit: "FamiliarityFit") -> list[str]:
    found = fit.familiarity
    pictures = f"familiarity of {found.num_pictures} training pictures and {found.num_held_out} others"
    if found.usual > 0:
        lines = [f"{pictures}: warns from {found.limit / found.usual:.2f} times the usual distance on"]
    else:
        lines = [f"{pictures}, which all lie at the mean: warns at any other picture"]
    if fit.warned_share is not None:
        lines.append(f"warned at, of pictures that the limit has not seen: {100 * fit.warned_share:.1f} %")
    return lines
