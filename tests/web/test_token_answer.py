"""What tokens look at: the numbers of the explanation, maps of a bounded size, points and parsers that have none."""

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_mask_parser import mask_parser
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.errors import BadInput
from mereo.interaction.token_explanation import explain_tokens
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated
from mereo.web import token_answer as token_answer_module
from mereo.web.token_answer import token_answer

IMAGE_HWC = random_image(61, 83)


def token_parser(num_concepts: int = 6) -> SceneParser:
    torch.manual_seed(3)
    stage = {
        "stage": "concept_tokens",
        "num_concepts": num_concepts,
        "width": 8,
        "feedforward_width": 8,
        "num_heads": 2,
    }
    content = {"backbone": {"name": "test_efficientnet"}, "path": [{"stage": "projection", "width": 8}, stage]}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    return parser


def weights_of(token: dict[str, Any]) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(token["weights"]), np.uint8)
    return flat.reshape(token["height"], token["width"])


@pytest.mark.parametrize("make", [token_parser, mask_parser])
def test_tokens_are_those_of_the_explanation(make: Any) -> None:
    parser = make()
    answer = token_answer(parser, IMAGE_HWC, point=None)
    explanation = explain_tokens(parser, IMAGE_HWC)
    assert json.loads(json.dumps(answer)) == answer
    assert [one["token"] for one in answer["tokens"]] == [one.index for one in explanation.tokens]
    masses = [one["mass"] for one in answer["tokens"]]
    assert masses == sorted(masses, reverse=True) and sum(masses) == pytest.approx(1, abs=1e-4)
    for one, seen in zip(answer["tokens"], explanation.tokens):
        assert one["centre"] == pytest.approx(seen.centre_xy, abs=0.06)
        assert one["entropy"] == pytest.approx(seen.entropy, abs=1e-5)
        wanted = [[TAXONOMY.object_names[index], pytest.approx(share, abs=1e-5)] for index, share in seen.classes]
        assert one["classes"] == wanted
        share_hw = seen.weight_hw / seen.weight_hw.max()
        assert np.abs(weights_of(one) - 255 * share_hw).max() <= 0.5 + 1e-3 and weights_of(one).max() == 255


def test_at_a_point_those_that_look_there_most_come_first() -> None:
    parser = token_parser()
    answer = token_answer(parser, IMAGE_HWC, point=(70, 12))
    wanted = [one.index for one in explain_tokens(parser, IMAGE_HWC).tokens_at(70, 12)]
    assert [one["token"] for one in answer["tokens"]] == wanted
    assert wanted != [one["token"] for one in token_answer(parser, IMAGE_HWC, point=None)["tokens"]]
    with pytest.raises(BadInput, match="must lie in the picture of 83x61, but got 83,0"):
        token_answer(parser, IMAGE_HWC, point=(83, 0))


def test_no_more_than_sixty_and_no_larger_than_a_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(token_answer(token_parser(64), IMAGE_HWC, point=None)["tokens"]) == 60
    explanation = explain_tokens(token_parser(2), IMAGE_HWC)
    weight_hw = np.linspace(0, 1, 400 * 1000).reshape(400, 1000)
    tokens = tuple(replace(token, weight_hw=weight_hw) for token in explanation.tokens)
    monkeypatch.setattr(token_answer_module, "explain_tokens", lambda *arguments: replace(explanation, tokens=tokens))
    one = token_answer(token_parser(2), IMAGE_HWC, point=None)["tokens"][0]
    assert (one["width"], one["height"]) == (160, 64)
    rows, columns = (((np.arange(num) + 0.5) * length / num).astype(int) for num, length in ((64, 400), (160, 1000)))
    assert np.abs(weights_of(one) - 255 * weight_hw[rows[:, None], columns]).max() <= 0.5


def test_a_photograph_on_which_no_token_looks_at_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = replace(explain_tokens(token_parser(2), IMAGE_HWC), tokens=())
    monkeypatch.setattr(token_answer_module, "explain_tokens", lambda *arguments: explanation)
    for point in (None, (3, 4)):
        assert token_answer(token_parser(2), IMAGE_HWC, point=point) == {"tokens": []}


def test_a_parser_without_tokens() -> None:
    with pytest.raises(BadInput, match="must gather tokens to explain them, but got one without"):
        token_answer(tiny_parser(), IMAGE_HWC, point=None)
