"""Which hierarchy of several a parser's groups are, and what is said where there is none."""

from dataclasses import replace

import pytest
from grouped_by_hand import parser_grouped_by_hand
from tiny_parser import random_image, tiny_parser

from mereo.errors import BadInput
from mereo.parser.asking.answering import plain_answers
from mereo.parser.last_hierarchy import last_hierarchy, required_hierarchy


def test_the_last_of_several_whatever_stands_behind_it() -> None:
    answers = plain_answers(parser_grouped_by_hand(), random_image(32, 40))
    (first,) = answers.evidence
    last = replace(first)
    both = replace(answers, features=answers.features.with_evidence(last).with_evidence("of another stage"))
    assert last_hierarchy(answers) is first and last_hierarchy(both) is last is required_hierarchy(both)


def test_a_parser_without_groups() -> None:
    answers = plain_answers(tiny_parser(), random_image(32, 32))
    assert last_hierarchy(answers) is None
    with pytest.raises(BadInput, match="a parser must have a stage that groups superpixels to say which groups it"):
        required_hierarchy(answers)
