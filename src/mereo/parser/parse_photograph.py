"""`mereo.parse`: one photograph, one call."""

from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.image_reading import read_image
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import DEFAULT_PARSER, load


def parse(image: np.ndarray | str | Path, parser: str | Path | SceneParser | None = None) -> Parse:
    """Parse a photograph (array H W 3 uint8, or a file) with a built-in parser, a parser file, or a loaded parser."""
    loaded = parser if isinstance(parser, SceneParser) else load(parser or DEFAULT_PARSER)
    if isinstance(image, str | Path):
        return loaded.parse(read_image(image), name=Path(image).stem)
    return loaded.parse(image)
