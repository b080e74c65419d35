"""Preprocessing: what happens to a photograph before the backbone; travels inside every parser file."""

from typing import Annotated

from pydantic import Field

from mereo.picture_sizes import size_within
from mereo.strict import StrictConfig

Positive = Annotated[float, Field(gt=0)]


class PreprocessingConfig(StrictConfig):
    """Pixels become (value / 255 - mean) / std. A larger image is reduced so that its longer side is `working_side`."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)
    working_side: int | None = Field(None, ge=1, description="pixels; left out: images keep their size")


def working_size(size: tuple[int, int], working_side: int | None) -> tuple[int, int]:
    """Height and width at which an image is parsed.

    >>> working_size((3000, 4000), 480), working_size((3000, 4000), None)
    ((360, 480), (3000, 4000))
    """
    return size if working_side is None else size_within(size, working_side)
