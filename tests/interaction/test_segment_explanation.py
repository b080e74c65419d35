"""How a picture's segments merged: the parser's own answer, from one pass, pixel by pixel, with and without seeds."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_divided_things import joint_parser
from tiny_parser import random_image, tiny_parser
from tiny_sorting_parser import STREET, tiny_sorting_parser

from mereo.errors import BadInput
from mereo.interaction.segment_explanation import explain_segments, history_of_pieces
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.image_scores import scores_of
from mereo.parser.asking.parsing import parse_image

IMAGE_HWC = random_image(61, 83, seed=3)


@pytest.mark.parametrize(
    "changes",
    [{}, {"merge_from": 0.5}, {"grid": [9, 9], "least_stuff_pixels": 200}, {"centers": {"lowest_score": 0.0}}],
    ids=str,
)
def test_the_last_step_is_the_parsers_own_answer(changes: dict[str, Any]) -> None:
    parser = tiny_sorting_parser(**changes).train()
    explanation = explain_segments(parser, IMAGE_HWC)
    assert parser.training
    parse, history = parser.parse(IMAGE_HWC), explanation.history
    np.testing.assert_array_equal(explanation.parse.semantic, parse.semantic)
    np.testing.assert_array_equal(explanation.parse.instances, parse.instances)
    for y in range(0, 61, 3):
        for x in range(0, 83, 4):
            segment, joinings = explanation.segment_at(x, y)
            group = history.group_S[segment]
            assert (history.class_G[group], history.instance_G[group]) == (parse.semantic[y, x], parse.instances[y, x])
            if history.is_thing_S[segment] and parse.instances[y, x]:
                joined = {other for joining in joinings for other in joining.other} | {segment}
                assert tuple(sorted(joined)) == history.members_of(group)
    assert (history.is_seed_S is not None) == ("centers" in changes)
    assert len(history.merges) + len(set(history.roots_after(len(history.merges)))) == history.num_segments
    assert (history.area_S > 0).all() and history.area_S.sum() == history.segment_hw.size


def test_embeddings_have_length_1_and_sums_are_theirs() -> None:
    explanation = explain_segments(tiny_sorting_parser(), IMAGE_HWC)
    np.testing.assert_allclose(np.linalg.norm(explanation.embedding_Dhw, axis=0), 1, atol=1e-5)
    of_first = explanation.embedding_Dhw[:, explanation.history.segment_hw == 0].sum(axis=1)
    np.testing.assert_allclose(explanation.history.embedding_sum_SD[0], of_first, atol=1e-3)


def test_it_asks_the_parser_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parser, passes = tiny_sorting_parser(), []
    with parser.register_forward_hook(lambda *arguments: passes.append(1)):
        explain_segments(parser, IMAGE_HWC)
    assert len(passes) == 1


@pytest.mark.parametrize(
    ("first", "changes"),
    [
        ("perceptual", {}),
        ("pixel_classes", {"merge_from": 0.3}),
        ("pixel_classes", {"grid": [9, 9], "merge_from": 0.9, "taxonomy": STREET}),
    ],
    ids=["perceptual", "pixel classes", "many segments"],
)
def test_where_another_head_says_the_classes(first: str, changes: dict[str, Any]) -> None:
    """As recipes/everyday_sorting.yaml: what each segment has of one class merges, and the answer is that of parse."""
    parser = joint_parser(first, **changes).train()
    passes: list[int] = []
    with parser.register_forward_hook(lambda *arguments: passes.append(1)):
        explanation = explain_segments(parser, IMAGE_HWC)
    assert len(passes) == 1 and parser.training
    parse, history = parser.parse(IMAGE_HWC), explanation.history
    np.testing.assert_array_equal(explanation.parse.semantic, parse.semantic)
    np.testing.assert_array_equal(explanation.parse.instances, parse.instances)
    np.testing.assert_array_equal(history.class_G[history.group_S], history.class_S)
    assert len(history.merges) + len(set(history.roots_after(len(history.merges)))) == history.num_segments
    np.testing.assert_allclose(np.linalg.norm(explanation.embedding_Dhw, axis=0), 1, atol=1e-5)
    of_first = explanation.embedding_Dhw[:, history.segment_hw == 0].sum(axis=1)
    np.testing.assert_allclose(history.embedding_sum_SD[0], of_first, atol=1e-3)
    assert (history.probability_S > 0).all() and (history.probability_S <= 1 + 1e-6).all()
    answers = set(zip(history.class_G.tolist(), history.instance_G.tolist()))
    for y in range(0, 61, 3):
        for x in range(0, 83, 4):
            segment, _ = explanation.segment_at(x, y)
            group, wanted = history.group_S[segment], (int(parse.semantic[y, x]), int(parse.instances[y, x]))
            assert wanted not in answers or (history.class_G[group], history.instance_G[group]) == wanted
    assert history.is_thing_S.any() and history.num_segments > 5


def test_the_probability_of_a_piece_is_the_mean_of_the_other_heads() -> None:
    parser = joint_parser("pixel_classes", taxonomy=STREET)
    answers = plain_answers(parser, IMAGE_HWC)
    with torch.inference_mode():
        semantic_HW = parse_image(parser, IMAGE_HWC, ready=answers).semantic
        history = history_of_pieces(parser, answers, semantic_HW)
    probability_Khw = scores_of(answers).scores_Khw.softmax(dim=0)
    if probability_Khw.shape[1:] != history.segment_hw.shape:
        size = history.segment_hw.shape
        probability_Khw = F.interpolate(probability_Khw[None], size=size, mode="bilinear", align_corners=False)[0]
    for piece in range(history.num_segments):
        of_piece_N = probability_Khw[history.class_S[piece]].numpy()[history.segment_hw == piece]
        assert history.probability_S[piece] == pytest.approx(of_piece_N.mean(), abs=1e-5)


def test_a_parser_that_sorts_no_segments() -> None:
    with pytest.raises(BadInput, match="a parser must sort segments to explain them, but got one without, or"):
        explain_segments(tiny_parser(), IMAGE_HWC)
