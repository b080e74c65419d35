"""The answer of POST /v1/why: how much each superpixel speaks for a class, level by level."""

from typing import Any

import numpy as np

from mereo.interaction.graph_cam import explain_heat
from mereo.interaction.heat_words import answer_in_words
from mereo.parser.scene_parser import SceneParser


def heat_answer(parser: SceneParser, image_HWC: np.ndarray, *, question: str) -> dict[str, Any]:
    """`heat` is percent of the level's hottest superpixel (0 where next to nothing of a level speaks for it), in the
    order of the superpixels of the parser's parse."""
    found = explain_heat(parser, image_HWC, question)
    levels = [
        {"level": level, "nodes": nodes, "heat": np.rint(100 * relative_R).astype(int).tolist()}
        for level, (nodes, relative_R) in enumerate(zip(found.nodes_per_level, found.relative_per_level), start=1)
    ]
    return {"told": answer_in_words(found), "share": found.share, "levels": levels}
