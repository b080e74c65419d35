"""What is written behind `--scales`, `--size` and `--tile`, read before anything is loaded."""

from typing import TYPE_CHECKING

from mereo.errors import BadInput

if TYPE_CHECKING:
    from mereo.parser.asking.tiled_parsing import TileSide


def parsed_scales(text: str) -> tuple[float, ...]:
    try:
        factors = tuple(float(part) for part in text.split(","))
    except ValueError:
        factors = ()
    if not factors or not all(0 < factor <= 8 for factor in factors):
        raise BadInput(f"--scales must be numbers above 0 and up to 8, but got {text!r}; e.g. 0.75,1.0,1.25.")
    return factors


def parsed_size(text: str | None) -> int | str | None:
    if text is None or text == "full":
        return text
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise BadInput(f"--size must be a number of pixels or full, but got {text!r:.80}; e.g. 640.")
    return int(text)


def parsed_tile(text: str | None) -> "TileSide | None":
    if text is None:
        return None
    if text == "auto":
        return "auto"
    if not text.isdecimal() or len(text) > 9 or int(text) < 64:
        raise BadInput(f"--tile must be a number of pixels from 64 up or auto, but got {text!r:.80}; e.g. 1024.")
    return int(text)
