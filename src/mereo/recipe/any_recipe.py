"""What a recipe says first, whatever it trains: which run it is, its data, its augmentation; and the data, opened."""

from pathlib import Path

from pydantic import Field

from mereo.data.augmentation import AugmentationConfig
from mereo.data.sample import Samples
from mereo.data.sources import DataSource, open_samples
from mereo.errors import BadInput
from mereo.strict import StrictConfig


class AnyRecipe(StrictConfig):
    """Relative paths are looked up beside the recipe file, then in the working directory."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", description="names the run folder: runs/NAME")
    row: str = Field("", description="the row that this run fills in a results table; runs of several seeds share it")
    protocol: str = Field("", description="runs are compared within a protocol")
    train_data: DataSource
    val_data: DataSource | None = None
    augmentation: AugmentationConfig


def opened_data(recipe: AnyRecipe, *, folder: Path, evaluate_every: int | None) -> tuple[Samples, Samples | None]:
    """Train and val. Opened before all else, because data is wrong more often than anything else."""
    train_samples = open_samples(recipe.train_data, folder=folder)
    if recipe.val_data is None:
        if evaluate_every is not None:
            raise BadInput("evaluate_every must have val_data, but got none; add val_data or leave evaluate_every out.")
        return train_samples, None
    val_samples = open_samples(recipe.val_data, folder=folder)
    if val_samples.taxonomy.object_names != train_samples.taxonomy.object_names:
        raise BadInput(
            f"train and val must have the same classes, but got {train_samples.taxonomy.object_names} and "
            f"{val_samples.taxonomy.object_names}; use one taxonomy."
        )
    return train_samples, val_samples
