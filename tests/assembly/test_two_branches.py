"""Instances on top of classes: the better score first, what is mostly covered falls out, small stuff goes."""

import numpy as np
import pytest

from mereo.assembly.parse import NotToldApart, Parse
from mereo.assembly.two_branches import with_instances
from mereo.data.instances import Instances
from mereo.data.run_lengths import RunLengths, run_lengths
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

TAXONOMY = Taxonomy("t", LabelTable(("sky", "car", "road", "dog")), is_thing=(False, True, False, True))


def parsed(semantic: list[list[int]]) -> Parse:
    semantic_HW = np.array(semantic)
    return Parse(np.zeros((*semantic_HW.shape, 3), dtype=np.uint8), semantic_HW, TAXONOMY)


def found(*things: tuple[int, float, list[list[int]]]) -> Instances:
    masks = [np.array(mask, dtype=bool) for _, _, mask in things]
    return Instances(
        size=masks[0].shape if masks else (1, 6),
        label_N=np.array([label for label, _, _ in things], dtype=np.int64),
        score_N=np.array([score for _, score, _ in things]),
        boxes_N4=np.zeros((len(things), 4), dtype=np.float32),
        masks=tuple(run_lengths(mask) for mask in masks),
    )


def test_the_better_score_takes_first() -> None:
    parse = with_instances(
        parsed([[0, 0, 0, 2, 2, 1]]),
        found((0, 0.6, [[0, 1, 1, 1, 0, 0]]), (1, 0.9, [[1, 1, 0, 0, 0, 0]])),
    )
    assert parse.instances.tolist() == [[1, 1, 2, 2, 0, 0]]
    assert parse.semantic.tolist() == [[3, 3, 1, 1, 2, 1]]  # The last one: a car that no instance took.


def test_what_is_mostly_covered_or_unlikely_falls_out() -> None:
    things = found((0, 0.9, [[1, 1, 1, 0, 0, 0]]), (0, 0.8, [[0, 1, 1, 1, 0, 0]]), (0, 0.4, [[0, 0, 0, 0, 1, 1]]))
    parse = parsed([[2] * 6])
    assert with_instances(parse, things).instances.tolist() == [[1, 1, 1, 0, 0, 0]]
    both = with_instances(parse, things, least_score=0.3, least_kept_share=0.3)
    assert both.instances.tolist() == [[1, 1, 1, 2, 3, 3]]
    assert with_instances(parse, found()).instances.tolist() == [[0] * 6]


def test_small_stuff_goes_to_the_largest() -> None:
    parse = with_instances(parsed([[0, 2, 2, 2, 1, 1]]), found(), least_stuff_pixels=2)
    assert parse.semantic.tolist() == [[2, 2, 2, 2, 1, 1]]
    # Where all stuff is small it stays.
    assert with_instances(parsed([[0, 2, 2, 1, 1, 1]]), found(), least_stuff_pixels=9).semantic[0, 0] == 0


def test_one_size() -> None:
    with pytest.raises(BadInput, match="instances must have the parse's size 3x1"):
        with_instances(parsed([[0, 0, 0]]), found())


def test_what_was_said_of_the_other_classes_is_gone() -> None:
    """A car that was found on a building has none of the building's windows."""
    taxonomy = Taxonomy(
        "t",
        LabelTable(("building", "car")),
        is_thing=(False, True),
        parts=LabelTable(("window",)),
        part_owners=(("building",),),
    )
    parse = Parse(
        np.zeros((1, 6, 3), dtype=np.uint8),
        np.zeros((1, 6), dtype=np.int64),
        taxonomy,
        parts=np.zeros((1, 6), dtype=np.int64),
        answer_level=np.ones((1, 6), dtype=np.int64),
        warnings=("things were not told apart is how this one begins", NotToldApart("40 cars are one segment")),
        unfamiliarity=2.0,
    )
    both = with_instances(parse, found((0, 0.9, [[1, 1, 1, 0, 0, 0]])))
    assert both.semantic.tolist() == [[1, 1, 1, 0, 0, 0]]
    assert both.parts is None and both.answer_level is None
    assert both.warnings == ("things were not told apart is how this one begins",) and both.unfamiliarity == 2.0


def test_masks_of_unlikely_things_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    things = found((0, 0.2, [[0, 0, 0, 0, 1, 1]]), (0, 0.9, [[1, 1, 0, 0, 0, 0]]), (0, 0.4, [[0, 0, 1, 1, 0, 0]]))
    decoded: list[RunLengths] = []
    mask_HW = RunLengths.mask_HW

    def counted(self: RunLengths) -> np.ndarray:
        decoded.append(self)
        return mask_HW(self)

    monkeypatch.setattr(RunLengths, "mask_HW", counted)
    assert with_instances(parsed([[2] * 6]), things).instances.tolist() == [[1, 1, 0, 0, 0, 0]]
    assert decoded == [things.masks[1]]
