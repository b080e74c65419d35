"""Asked for answers, a parser is in evaluation mode, and afterwards as it was."""

import numpy as np
import pytest
import torch
from tiny_parser import random_image, tiny_parser
from torch import nn

from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.asking.answering import answering, plain_answers
from mereo.parser.asking.image_scores import prepared_image

IMAGE_HWC = random_image(60, 80)


@pytest.mark.parametrize("is_training", [True, False])
def test_the_mode_comes_back_even_after_an_error(is_training: bool) -> None:
    network = nn.Sequential(nn.BatchNorm2d(1)).train(is_training)
    with pytest.raises(RuntimeError, match="stopped"), answering(network):
        assert not network.training and not network[0].training
        raise RuntimeError("stopped")
    assert network.training is network[0].training is is_training


@pytest.mark.parametrize(
    ("working_side", "seen"), [(None, (36, 48)), (40, (30, 40)), (9000, (60, 80))], ids=["own", "40", "9000"]
)
def test_one_pass_at_the_working_size_without_a_gradient(working_side: int | None, seen: tuple[int, int]) -> None:
    parser = tiny_parser(preprocessing={"working_side": 48})
    with torch.no_grad():
        wanted = parser(prepared_image(parser, IMAGE_HWC, seen)).prediction(PixelClassesPrediction).logits_BKhw
    parser.train()
    passes: list[object] = []
    with parser.backbone.register_forward_hook(lambda *arguments: passes.append(1)):
        answers = plain_answers(parser, IMAGE_HWC, working_side=working_side)
    found = answers.prediction(PixelClassesPrediction).logits_BKhw
    assert torch.equal(found, wanted) and not found.requires_grad
    assert len(passes) == 1 and parser.training


def test_what_is_no_photograph_is_refused_by_its_name() -> None:
    with pytest.raises(BadInput, match="an image must be an array H x W x 3 uint8.* in it"):
        plain_answers(tiny_parser(), np.zeros((4, 4), np.uint8), name="it")
