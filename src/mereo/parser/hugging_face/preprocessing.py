"""preprocessor_config.json of a Hugging Face checkpoint as Mereo's preprocessing: mean, deviation, working size."""

from typing import Any

from pydantic import Field

from mereo.parser.hugging_face.config import Described
from mereo.parser.preprocessing import Positive, PreprocessingConfig
from mereo.strict_yaml import validated

# Where only the shorter edge is given, the longer one is that of a common photograph of this shape.
COMMON_SHAPE = 4 / 3


class Size(Described):
    shortest_edge: int | None = Field(None, ge=1)
    longest_edge: int | None = Field(None, ge=1)
    height: int | None = Field(None, ge=1)
    width: int | None = Field(None, ge=1)


class PreprocessorFile(Described):
    """Old files have a number as `size` (the shorter edge) and `max_size` beside it."""

    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)
    do_normalize: bool | None = None
    do_rescale: bool | None = None
    rescale_factor: Positive | None = None
    do_resize: bool | None = None
    size: Size | int | None = None
    max_size: int | None = Field(None, ge=1)


def preprocessing_of(content: dict[str, Any]) -> PreprocessingConfig:
    """`content` is empty where the checkpoint has no such file; then the common mean and deviation stand.

    >>> preprocessing_of({"size": {"shortest_edge": 480, "longest_edge": 2048}}).working_side
    640
    """
    file = validated(PreprocessorFile, content, source="a checkpoint's preprocessor_config.json")
    mean, std = file.image_mean, file.image_std
    if file.do_normalize is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    # Theirs are of pixels times a factor, ours of pixels through 255.
    scale = 1.0 if file.do_rescale is False else file.rescale_factor or 1 / 255
    mean, std = _through(mean, 255 * scale), _through(std, 255 * scale)
    return PreprocessingConfig(mean=mean, std=std, working_side=_working_side(file))


def _through(values: tuple[float, float, float], divisor: float) -> tuple[float, float, float]:
    red, green, blue = (value / divisor for value in values)
    return red, green, blue


def _working_side(file: PreprocessorFile) -> int | None:
    """Mereo reduces a photograph to its longer side; transformers also enlarges, or forgets the shape."""
    size = Size(shortest_edge=file.size) if isinstance(file.size, int) else file.size
    if size is None or file.do_resize is False:
        return None
    sides = [side for side in (size.height, size.width) if side is not None]
    longest = size.longest_edge or file.max_size
    if size.shortest_edge is not None:
        sides = [round(size.shortest_edge * COMMON_SHAPE)]
    if not sides:
        return longest
    return min(max(sides), longest) if longest is not None else max(sides)
