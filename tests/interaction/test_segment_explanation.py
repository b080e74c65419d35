"""How a picture's segments merged: the parser's own answer, from one pass, pixel by pixel, with and without seeds."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import random_image, tiny_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.errors import BadInput
from mereo.interaction.segment_explanation import explain_segments

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


def test_a_parser_that_sorts_no_segments() -> None:
    with pytest.raises(BadInput, match="a parser must sort segments to explain them, but got one without; train one"):
        explain_segments(tiny_parser(), IMAGE_HWC)
