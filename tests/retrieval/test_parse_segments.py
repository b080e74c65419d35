"""Segments of any parser's parse: pieces, their classes, and the mean of the features over each."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_mask_parser import mask_parser
from tiny_parser import random_image, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.assembly.parse import Parse
from mereo.assembly.parse_pieces import pieces_of
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.parser.weights import load, save_parser
from mereo.regions.segment_means import mean_over_segments
from mereo.retrieval.parse_segments import ParseSegments, fingerprint_of
from mereo.retrieval.photograph_segments import NO_SEGMENT, PhotographSegments

TAXONOMY = Taxonomy("two", LabelTable(("sky", "car")), is_thing=(False, True))
IMAGE_HWC = random_image(48, 64)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_are_those_of_scipy_class_by_class(seed: int) -> None:
    label_HW = np.random.default_rng(seed).integers(0, 2, size=(9, 12))
    piece_HW, class_index_M = pieces_of(Parse(np.zeros((9, 12, 3), np.uint8), label_HW, TAXONOMY))
    assert (class_index_M[piece_HW] == label_HW).all()
    expected = sum(ndimage.label(label_HW == index, np.ones((3, 3)))[1] for index in range(2))
    assert len(class_index_M) == expected == len(np.unique(piece_HW))
    for piece in range(expected):
        assert ndimage.label(piece_HW == piece, np.ones((3, 3)))[1] == 1


def test_an_instance_is_one_piece_however_it_is_cut() -> None:
    label_HW = np.array([[0, 1, 0, 1, 1], [0, 1, 0, 0, 1]])
    instance_HW = np.array([[0, 9, 0, 9, 4], [0, 9, 0, 0, 4]])
    piece_HW, class_index_M = pieces_of(Parse(np.zeros((2, 5, 3), np.uint8), label_HW, TAXONOMY, instances=instance_HW))
    assert len(class_index_M) == 4 and sorted(class_index_M) == [0, 0, 1, 1]
    assert piece_HW[0, 1] == piece_HW[0, 3] != piece_HW[0, 4] and class_index_M[piece_HW[0, 1]] == 1


@pytest.mark.parametrize("make", [tiny_parser, tiny_pyramid_parser, mask_parser])
def test_every_kind_of_parser_gives_segments(make: object) -> None:
    parser = make()  # type: ignore[operator]
    segments = ParseSegments(parser)(IMAGE_HWC, name="a")
    assert len(segments) and segments.segment_HW.shape == (48, 64)
    np.testing.assert_allclose(np.linalg.norm(segments.vector_ND, axis=1), 1, atol=1e-6)
    parse = parser.parse(IMAGE_HWC)
    assert (segments.label_HW == parse.semantic).all()
    for position in range(len(segments)):
        mask_HW = segments.segment_HW == position
        ys, xs = np.nonzero(mask_HW)
        assert segments.area_N[position] == mask_HW.sum() >= min(64, mask_HW.sum())
        assert segments.box_N4[position].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def test_vectors_are_of_the_pass_that_made_the_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass a photograph, and the same features as that pass has."""
    parser, passes = tiny_parser(), []
    parser.register_forward_hook(lambda module, arguments, answers: passes.append(answers.features.last))
    segments = ParseSegments(parser, least_share=0)(IMAGE_HWC, name="a")
    assert len(passes) == 1
    mean_NC = mean_over_segments(passes[0][0].numpy(), segments.segment_HW, len(segments))
    np.testing.assert_allclose(segments.vector_ND, mean_NC / np.linalg.norm(mean_NC, axis=1, keepdims=True), atol=1e-6)
    assert not parser._forward_hooks or len(parser._forward_hooks) == 1


@pytest.mark.parametrize("working_side", [None, 32, 9000])
def test_a_parser_in_training_at_any_working_side_answers_as_its_parse(working_side: int | None) -> None:
    parser = tiny_parser(preprocessing={"working_side": 48})
    maps: list[torch.Tensor] = []
    with parser.register_forward_hook(lambda module, arguments, answers: maps.append(answers.features.last)):
        parse = parser.parse(IMAGE_HWC, working_side=working_side)
    segments = ParseSegments(parser.train(), least_share=0, working_side=working_side)(IMAGE_HWC, name="a")
    assert parser.training
    np.testing.assert_array_equal(segments.label_HW, parse.semantic)
    mean_NC = mean_over_segments(maps[0][0].numpy(), segments.segment_HW, len(segments))
    wanted_NC = (mean_NC / np.linalg.norm(mean_NC, axis=1, keepdims=True)).astype(np.float32)
    np.testing.assert_array_equal(segments.vector_ND, wanted_NC)


def test_what_is_no_photograph_or_no_side_is_refused() -> None:
    with pytest.raises(BadInput, match="an image must be an array H x W x 3 uint8.* in a"):
        ParseSegments(tiny_parser())(IMAGE_HWC[..., 0], name="a")
    for working_side in (0, -5):
        with pytest.raises(BadInput, match=f"working_side must be at least 1 pixel, but got {working_side}; e.g. 480"):
            ParseSegments(tiny_parser(), working_side=working_side)(IMAGE_HWC, name="a")


def test_small_pieces_are_left_out_but_never_all(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ParseSegments(tiny_parser(), least_share=0.99)(IMAGE_HWC, name="a")
    assert len(few) == 1 and (few.segment_HW == NO_SEGMENT).any()
    with pytest.raises(BadInput, match="a point must lie on a segment, but got"):
        y, x = np.argwhere(few.segment_HW == NO_SEGMENT)[0].tolist()
        few.at(x, y)
    y, x = np.argwhere(few.segment_HW == 0)[0].tolist()
    assert few.at(x, y) == 0
    with pytest.raises(BadInput, match=r"a point must lie on the photograph \(64x48\), but got 64,3"):
        few.at(64, 3)
    with pytest.raises(BadInput, match="least_share must be from 0 to below 1, but got 1"):
        ParseSegments(tiny_parser(), least_share=1)


def test_features_of_nothing_and_features_that_are_nan() -> None:
    parser = tiny_parser()
    for value, is_bad in ((0.0, False), (float("nan"), True)):
        handle = parser.path[-1].register_forward_hook(
            lambda module, arguments, maps: maps.with_last(torch.full_like(maps.last, value))  # noqa: B023
        )
        if is_bad:
            with pytest.raises(BadInput, match="features must be finite, but got NaN or infinity in a"):
                ParseSegments(parser)(IMAGE_HWC, name="a")
        else:
            assert len(ParseSegments(parser)(IMAGE_HWC, name="a")) == 0
        handle.remove()


def test_the_fingerprint_is_of_weights_and_rules() -> None:
    first = fingerprint_of(tiny_parser(), 0.001, None)
    assert first == fingerprint_of(tiny_parser(), 0.001, None)
    others = {fingerprint_of(tiny_parser(seed=1), 0.001, None), fingerprint_of(tiny_parser(), 0.002, None)}
    others.add(fingerprint_of(tiny_parser(), 0.001, 100))
    assert len(others | {first}) == 4


def test_the_fingerprint_is_of_settings_that_are_in_no_weight(tmp_path: Path) -> None:
    """These move segments or vectors. The temperature does not, nor does where the first weights came from."""
    parser = tiny_sorting_parser(centers={})
    first = fingerprint_of(parser, 0.001, None)
    changes: list[dict[str, Any]] = [
        {"merge_from": 0.5},
        {"grid": [4, 4]},
        {"has_location": False},
        {"split_below": 0.5},
        {"uses_seeds": False},
        {"centers": {"lowest_score": 0.2}},
    ]
    others = {fingerprint_of(tiny_sorting_parser(**({"centers": {}} | one)), 0.001, None) for one in changes}
    assert len(others | {first}) == len(changes) + 1
    parser.temperature = 3.0
    saved = save_parser(parser, tmp_path / "parser.safetensors")
    assert fingerprint_of(load(saved), 0.001, None) == first
    backbone = parser.config.backbone.model_copy(update={"weights": "elsewhere.safetensors"})
    parser.config = parser.config.model_copy(update={"backbone": backbone, "temperature": 3.0})
    assert fingerprint_of(parser, 0.001, None) == first
    parser.config = None  # Composed in Python.
    assert fingerprint_of(parser, 0.001, None) not in others | {first}


def segments_of(**changed: object) -> PhotographSegments:
    fields = {
        "vector_ND": np.array([[1.0, 0.0]]),
        "class_index_N": np.zeros(1, int),
        "box_N4": np.array([[0, 0, 2, 2]]),
        "area_N": np.array([4]),
        "segment_HW": np.zeros((2, 2), int),
        "label_HW": np.zeros((2, 2), int),
    }
    return PhotographSegments(**(fields | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("vector", [[0.0, 0.0], [2.0, 0.0], [float("nan"), 1.0]])
def test_vectors_have_unit_length(vector: list[float]) -> None:
    assert len(segments_of()) == 1
    with pytest.raises(BadInput, match="a segment's vector must have length 1, but got"):
        segments_of(vector_ND=np.array([vector]))


def test_the_map_knows_only_segments_that_are_there() -> None:
    with pytest.raises(BadInput, match="a map of segments must hold positions below 1, but got 3"):
        segments_of(segment_HW=np.full((2, 2), 3))
    with pytest.raises(BadInput, match="axis N must have one size everywhere"):
        segments_of(area_N=np.array([4, 4]))


def test_vectors_of_a_parse_are_taken_as_they_are() -> None:
    """A head that gives every segment a vector has learned it to search by; a mean of features has not."""
    parser = tiny_sorting_parser()
    parse, found = parser.parse(IMAGE_HWC), ParseSegments(parser, least_share=0)(IMAGE_HWC)
    assert parse.vectors is not None and len(found) > 1
    for row in range(len(found)):
        inside_HW = found.segment_HW == row
        [wanted] = [
            number
            for number, segment in enumerate(parse.segments)
            if segment.class_index == found.class_index_N[row]
            and segment.area_pixels == found.area_N[row] == inside_HW.sum()
            and segment.box_xyxy == tuple(found.box_N4[row])
        ]
        np.testing.assert_allclose(found.vector_ND[row], parse.vectors.vector_ND[wanted], atol=1e-6)
        instances = set() if parse.instances is None else set(parse.instances[inside_HW].tolist())
        assert instances in (set(), {parse.segments[wanted].instance_id})
