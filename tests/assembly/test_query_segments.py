"""Panoptic inference against loops over pixels, and what each of its rules does."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from without_doubles import NoDoublesOnMeta

import mereo.assembly.query_segments as query_segments_file
from mereo.assembly.query_segments import QuerySegments, query_segments

IS_THING = (False, True, False)  # sky, car, road


def said(*classes: int) -> Tensor:
    """Class logits that are certain; 3 is "no object"."""
    return F.one_hot(torch.tensor(classes), 4).float() * 20


def masks(*rows: str) -> Tensor:
    """One line a query: x inside, o inside but less sure, . outside; one row of pixels."""
    value = {"x": 8.0, "o": 2.0, ".": -8.0}
    return torch.tensor([[[value[letter] for letter in row]] for row in rows])


def segments_of(class_logits_QK1: Tensor, mask_logits_Qhw: Tensor, **rule: float) -> QuerySegments:
    size = (mask_logits_Qhw.shape[1], mask_logits_Qhw.shape[2])
    return query_segments(class_logits_QK1, mask_logits_Qhw, size, is_thing=IS_THING, **rule)


def test_things_are_told_apart_and_stuff_is_joined() -> None:
    found = segments_of(said(1, 0, 1, 0), masks("xx......", "..xx....", "....xx..", "......xx"))
    assert found.ids_HW.tolist() == [[1, 1, 2, 2, 3, 3, 2, 2]]
    assert found.class_of_id == {1: 1, 2: 0, 3: 1}
    assert found.instances_HW(IS_THING).tolist() == [[1, 1, 0, 0, 2, 2, 0, 0]]


def test_no_object_and_unsure_queries_are_left_out() -> None:
    unsure = torch.tensor([[1.0, 1.2, 1.0, 0.0]])
    found = segments_of(torch.cat([said(3, 2), unsure]), masks("xx....", "..xx..", "....xx"))
    assert found.ids_HW.tolist() == [[0, 0, 1, 1, 0, 0]]
    assert segments_of(unsure, masks("xx"), least_score=0.2).class_of_id == {1: 1}


def test_a_covered_query_is_dropped_with_its_pixels() -> None:
    logits, answers = masks("xxxx..", "oooooo"), said(1, 2)
    assert segments_of(answers, logits, least_kept_share=0.8).ids_HW.tolist() == [[1, 1, 1, 1, 0, 0]]
    assert segments_of(answers, logits, least_kept_share=0.3).ids_HW.tolist() == [[1, 1, 1, 1, 2, 2]]


def test_pixels_in_no_mask_belong_to_none() -> None:
    assert segments_of(said(1), masks("xx..")).ids_HW.tolist() == [[1, 1, 0, 0]]


def test_nothing_found() -> None:
    found = segments_of(said(3, 3), masks("xx", "xx"))
    assert found.ids_HW.tolist() == [[0, 0]]
    assert found.class_of_id == {}
    semantic_HW = np.array([[2, 0]], dtype=np.int32)
    assert found.on_top_of(semantic_HW).tolist() == [[2, 0]]
    assert found.instances_HW(IS_THING).tolist() == [[0, 0]]


def test_segments_lie_on_top_of_classes() -> None:
    found = segments_of(said(1, 2), masks("xx..", "..x."))
    assert found.on_top_of(np.zeros((1, 4), dtype=np.int32)).tolist() == [[1, 1, 2, 0]]


@pytest.mark.parametrize("band_bytes", [2**26, 1])
@pytest.mark.parametrize("seed", range(4))
def test_by_loops(seed: int, band_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_segments_file, "BAND_BYTES", band_bytes)
    torch.manual_seed(seed)
    class_logits_QK1, size = torch.randn(6, 4) * 4, (13, 21)
    mask_logits_Qhw = F.interpolate(torch.randn(1, 6, 2, 3) * 4, size=(5, 6), mode="bilinear")[0]
    found = query_segments(
        class_logits_QK1, mask_logits_Qhw, size, is_thing=IS_THING, least_score=0.5, least_kept_share=0.6
    )
    inside_QHW = F.interpolate(mask_logits_Qhw[None], size=size, mode="bilinear", align_corners=False)[0].sigmoid()
    score_Q, class_Q = class_logits_QK1.softmax(dim=1).max(dim=1)
    kept = [q for q in range(6) if class_Q[q] != 3 and score_Q[q] > 0.5]
    assert kept, "the draw must show something"
    winners: dict[int, list[tuple[int, int]]] = {q: [] for q in kept}
    for y in range(size[0]):
        for x in range(size[1]):
            winners[max(kept, key=lambda q: float(score_Q[q] * inside_QHW[q, y, x]))].append((y, x))
    wanted_HW, ids, last = np.zeros(size, dtype=int), {}, 0
    for q in kept:
        own = int((inside_QHW[q] >= 0.5).sum())
        shown = [(y, x) for y, x in winners[q] if inside_QHW[q, y, x] >= 0.5]
        if not shown or len(winners[q]) / own < 0.6:
            continue
        index = int(class_Q[q])
        if IS_THING[index] or index not in ids:
            last += 1
            ids[index] = last
        for y, x in shown:
            wanted_HW[y, x] = ids[index]
    assert found.ids_HW.tolist() == wanted_HW.tolist()
    assert len(found.class_of_id) == last


def test_no_float64_is_made_on_the_device() -> None:
    bands = query_segments_file._upsampled_bands(torch.empty(2, 3, 4, device="meta"), (7, 9))
    with NoDoublesOnMeta():
        assert [tuple(logits_NHW.shape) for _, logits_NHW in bands] == [(2, 7, 9)]
