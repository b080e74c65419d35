"""The answer of POST /v1/tokens: what each token of a photograph looks at, as numbers and a small grey map."""

import base64
from typing import Any

import numpy as np

from mereo.assembly.seen_tokens import SeenToken
from mereo.interaction.token_explanation import explain_tokens
from mereo.parser.preprocessing import working_size
from mereo.parser.scene_parser import SceneParser
from mereo.regions.nearest_places import at_size

MAX_TOKENS = 60
# What a page shows of a token; maps of parsers that work at full size would be megabytes each.
MAX_SIDE = 160
# A token that has seen a little of everything need not name everything.
MAX_CLASSES = 12


def token_answer(parser: SceneParser, image_HWC: np.ndarray, *, point: tuple[int, int] | None) -> dict[str, Any]:
    """The heaviest first, or those that look at `point` (x, y) most. A weight of 255 is the token's own largest."""
    explanation = explain_tokens(parser, image_HWC)
    tokens = explanation.tokens if point is None or not explanation.tokens else explanation.tokens_at(*point)
    names = explanation.parse.taxonomy.object_names
    return {"tokens": [_described(token, names) for token in tokens[:MAX_TOKENS]]}


def _described(token: SeenToken, names: list[str]) -> dict[str, Any]:
    share_hw = _small(token.weight_hw / token.weight_hw.max())
    return {
        "token": token.index,
        "mass": round(token.mass, 6),
        "centre": [round(value, 1) for value in token.centre_xy],
        "entropy": round(token.entropy, 6),
        "classes": [[names[index], round(share, 6)] for index, share in token.classes[:MAX_CLASSES]],
        "width": share_hw.shape[1],
        "height": share_hw.shape[0],
        "weights": base64.b64encode(np.rint(255 * share_hw).astype(np.uint8).tobytes()).decode("ascii"),
    }


def _small(share_hw: np.ndarray) -> np.ndarray:
    size = working_size((share_hw.shape[0], share_hw.shape[1]), MAX_SIDE)
    return at_size(share_hw, size)
