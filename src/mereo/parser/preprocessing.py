"""Preprocessing: what happens to a photograph before the backbone; travels inside every parser file."""

from typing import Annotated

from pydantic import Field

from mereo.strict import StrictConfig

Positive = Annotated[float, Field(gt=0)]


class PreprocessingConfig(StrictConfig):
    """Pixels become (value / 255 - mean) / std. A larger image is reduced so that its longer side is `working_side`."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)
    working_side: int | None = Field(None, ge=1, description="pixels; left out: images keep their size")


def working_size(size: tuple[int, int], working_side: int | None) -> tuple[int, int]:
    """Height and width at which an image is parsed.

    >>> working_size((3000, 4000), 480)
    (360, 480)
    >>> working_size((100, 50), 480)
    (100, 50)
    >>> working_size((60000, 1), 480)
    (480, 1)
    """
    if working_side is None or max(size) <= working_side:
        return size
    scale = working_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
