"""Why a class: the answer has the numbers of the explanation, in the order of the parse's own superpixels."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser

from mereo.errors import BadInput
from mereo.interaction.any_hierarchy import hierarchy_of
from mereo.interaction.graph_cam import explain_heat
from mereo.interaction.heat_words import answer_in_words
from mereo.web.heat_answer import heat_answer

IMAGE_HWC = random_image(61, 83)


def test_heat_is_percent_of_the_hottest_for_each_superpixel_of_the_parse() -> None:
    parser = tiny_grouping_parser()
    parse = parser.parse(IMAGE_HWC)
    name = parse.names_found[0]
    answer = heat_answer(parser, IMAGE_HWC, question=f"object={name}")
    found = explain_heat(parser, IMAGE_HWC, f"object={name}")
    assert json.loads(json.dumps(answer)) == answer
    assert answer["told"] == answer_in_words(found) and answer["share"] == found.share > 0
    groups = hierarchy_of(parse)
    assert (groups.superpixel_hw == found.photograph.superpixel_hw).all(), "the page paints heat on the parse's own map"
    assert [one["level"] for one in answer["levels"]] == list(range(1, len(found.heat_per_level) + 1))
    for one, heat_R, nodes in zip(answer["levels"], found.heat_per_level, found.nodes_per_level):
        assert one["nodes"] == nodes and len(one["heat"]) == groups.num_superpixels
        wanted_R = 100 * heat_R / heat_R.max() if heat_R.max() > 0 else np.zeros_like(heat_R)
        assert np.abs(np.array(one["heat"]) - wanted_R).max() <= 0.5 + 1e-4
    assert max(max(one["heat"]) for one in answer["levels"]) == 100


def test_words_for_a_class_that_wins_and_for_one_that_does_not() -> None:
    parser = tiny_grouping_parser()
    parse = parser.parse(IMAGE_HWC)
    won = heat_answer(parser, IMAGE_HWC, question=f"object={parse.names_found[0]}")
    assert won["told"].startswith(f"{parse.names_found[0]} is the answer in ") and "(object)" in won["told"]
    lost = parse.names_found[-1]
    with torch.no_grad():
        parser.heads[0].classify.bias[parser.taxonomy.object_names.index(lost)] -= 1e6
    answer = heat_answer(parser, IMAGE_HWC, question=f"object={lost}")
    assert (
        answer["told"].startswith(f"{lost} is not the answer anywhere (object): its score, ") and answer["share"] == 0
    )


def test_what_cannot_be_asked() -> None:
    with pytest.raises(BadInput, match="must have the stage deep_grouping"):
        heat_answer(tiny_parser(), IMAGE_HWC, question="object=road")
    with pytest.raises(BadInput, match="did you mean 'road'"):
        heat_answer(tiny_grouping_parser(), IMAGE_HWC, question="object=rode")
