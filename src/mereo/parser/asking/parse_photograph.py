"""`mereo.parse`: one photograph, one call."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.pictures.image_reading import read_image
from mereo.errors import BadInput
from mereo.parser.asking.tiled_parsing import TileSide
from mereo.parser.devices import require_device
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers, load


def parse(
    image: np.ndarray | str | Path,
    parser: str | Path | SceneParser | None = None,
    *,
    name: str | None = None,
    device: str | None = None,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    working_side: int | None = None,
    with_confidence: bool = False,
    tile: TileSide | None = None,
) -> Parse:
    """Parse a photograph (array H W 3 uint8, or a file) with a built-in parser, a parser file, or a loaded parser.

    `device` (cpu, cuda, mps, auto; left out: cpu) is where a parser that is named is loaded to. Built-in parsers stay
    loaded for the next call, all others are read anew each time: load those once with `mereo.load`. `name` is the
    parse's; left out, it is the file's. All others are those of `SceneParser.parse`.
    """
    if isinstance(parser, SceneParser):
        if device is not None:
            raise BadInput(
                f"device must be left out for a parser that is loaded, but got {device!r}; "
                "move the parser there with parser.to(device)."
            )
        loaded = parser
    else:
        loaded = _loaded(DEFAULT_PARSER if parser is None else parser, device or "cpu")
    if isinstance(image, str | Path):
        name = name or Path(image).stem
        image = read_image(image)
    return loaded.parse(
        image,
        name=name or "image",
        scales=scales,
        flip=flip,
        working_side=working_side,
        with_confidence=with_confidence,
        tile=tile,
    )


def _loaded(parser: str | Path, device: str) -> SceneParser:
    """A built-in name is one content for ever; a file, a run folder or a repository may hold another parser by now."""
    if isinstance(parser, str) and parser in built_in_parsers():
        return _built_in(parser, str(require_device(device)))
    return load(parser, device=device)


@lru_cache(maxsize=2)
def _built_in(name: str, device: str) -> SceneParser:
    """Nobody else gets hold of it, and parsing changes nothing in a parser."""
    return load(name, device=device)
