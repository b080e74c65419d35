"""Which masks a picture asks for: classes, or things and stuff; crowds and unlabelled pixels belong to none."""

from typing import Literal

import pytest
import torch

from mereo.errors import BadInput
from mereo.losses.mask_targets import MaskTargets, segment_targets, semantic_targets

# Classes: 0 sky and 2 road are stuff, 1 car and 3 person are things. Both number their instances from 1.
LABEL_HW = torch.tensor([[0, 0, 255, 2], [1, 1, 1, 3], [1, 2, 3, 3]])
INSTANCES_HW = torch.tensor([[9, 0, 4, 0], [1, 1, 2, 1], [0, 0, 1, 2]])
IS_THING_K = torch.tensor([False, True, False, True])


def described(targets: MaskTargets) -> list[tuple[int, list[tuple[int, int]]]]:
    return [
        (int(index), [(int(y), int(x)) for y, x in mask_HW.nonzero()])
        for index, mask_HW in zip(targets.class_M, targets.mask_MHW)
    ]


def segments(kind: Literal["panoptic", "instance"]) -> MaskTargets:
    return segment_targets(LABEL_HW, INSTANCES_HW, is_thing_K=IS_THING_K, ignore_label=255, kind=kind)


CAR_1, CAR_2 = (1, [(1, 0), (1, 1)]), (1, [(1, 2)])
PERSON_1, PERSON_2 = (3, [(1, 3), (2, 2)]), (3, [(2, 3)])


def test_semantic() -> None:
    targets = semantic_targets(LABEL_HW, num_classes=4, ignore_label=255)
    assert targets.class_M.tolist() == [0, 1, 2, 3]
    assert targets.mask_MHW.sum(dim=(1, 2)).tolist() == [2, 4, 2, 3]
    assert torch.equal(targets.mask_MHW.any(dim=0), LABEL_HW != 255)
    assert torch.equal(targets.is_labelled_HW, LABEL_HW != 255)


def test_panoptic() -> None:
    targets = segments("panoptic")
    assert described(targets) == [(0, [(0, 0), (0, 1)]), CAR_1, CAR_2, (2, [(0, 3), (2, 1)]), PERSON_1, PERSON_2]
    assert [tuple(one) for one in (~targets.is_labelled_HW).nonzero().tolist()] == [(0, 2), (2, 0)]  # and the crowd


def test_instances_alone() -> None:
    targets = segments("instance")
    assert described(targets) == [CAR_1, CAR_2, PERSON_1, PERSON_2]
    assert targets.is_labelled_HW[0, 0], "stuff is known to be no instance"


def test_no_label_anywhere() -> None:
    nothing_HW = torch.full((3, 4), 255)
    for targets in (
        semantic_targets(nothing_HW, num_classes=4, ignore_label=255),
        segment_targets(nothing_HW, INSTANCES_HW, is_thing_K=IS_THING_K, ignore_label=255, kind="panoptic"),
    ):
        assert targets.class_M.shape == (0,)
        assert targets.mask_MHW.shape == (0, 3, 4)
        assert not targets.is_labelled_HW.any()


def test_labels_outside_the_table() -> None:
    with pytest.raises(BadInput, match=r"labels must lie in 0..2 or be 255, but got 3; run `mereo data check`"):
        semantic_targets(LABEL_HW, num_classes=3, ignore_label=255)
