"""A parser asked for answers: in evaluation mode as long as that takes, and then as it was; and at which size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.preprocessing import working_size
from mereo.shapes import require_image

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


@contextmanager
def answering(network: nn.Module) -> Iterator[None]:
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def seen_size(parser: "SceneParser", image_HWC: np.ndarray, working_side: int | None = None) -> tuple[int, int]:
    """At which size a plain pass sees a photograph; `working_side` overrides the parser's own."""
    return working_size((image_HWC.shape[0], image_HWC.shape[1]), working_side or parser.preprocessing.working_side)


@torch.inference_mode()
def plain_answers(
    parser: "SceneParser", image_HWC: np.ndarray, *, name: str = "image", working_side: int | None = None
) -> "SceneAnswers":
    """What the parser says of one photograph (uint8, H W 3) in one pass at its working size, without a gradient.

    `working_side` overrides the parser's own. Whoever has done with the answers says so (`image_done`).
    """
    require_image(image_HWC, name=name)
    with answering(parser):
        answers: SceneAnswers = parser(prepared_image(parser, image_HWC, seen_size(parser, image_HWC, working_side)))
    return answers
