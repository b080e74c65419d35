"""The comparison of an exported graph with its parser finds what differs, and forgives what is no difference."""

import numpy as np
import pytest
import torch
from tiny_traced_parser import traced_parser

from mereo.errors import BadEnvironment
from mereo.parser.export import onnx_check
from mereo.parser.export.onnx_check import blocks_BCHW, compared, parser_scores, require_same_answers, session_of
from mereo.parser.export.onnx_file import exported


def scores(*pixels: tuple[float, float]) -> np.ndarray:
    """1 2 1 w: two classes, one column a pixel."""
    return np.array(pixels, dtype=np.float32).T[None, :, None, :]


def test_the_difference_is_in_parts_of_the_range() -> None:
    wanted = scores((0.0, 100.0), (50.0, 20.0))
    assert compared(wanted + np.float32(0.005), wanted, at="") == pytest.approx(5e-5, rel=1e-2)


def test_scores_too_far_off_are_told_with_their_place() -> None:
    wanted = scores((0.0, 100.0), (50.0, 20.0))
    with pytest.raises(BadEnvironment, match=r"scores that differ by 0.00\d+ of their range at 40x30; nothing was"):
        compared(wanted + np.float32(0.02), wanted, at="40x30")


def test_a_number_that_is_none_differs() -> None:
    wanted = scores((0.0, 100.0), (50.0, 20.0))
    with pytest.raises(BadEnvironment, match="scores that differ by nan"):
        compared(np.full_like(wanted, np.nan), wanted, at="")


def test_another_shape_differs() -> None:
    with pytest.raises(BadEnvironment, match=r"but got shape \(1, 2, 1, 1\) for \(1, 2, 1, 2\)"):
        compared(scores((0.0, 1.0)), scores((0.0, 1.0), (0.0, 1.0)), at="")


def test_another_class_is_forgiven_only_where_two_are_as_good_as_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, found = scores((0.0, 100.0), (50.0, 50.001)), scores((0.0, 100.0), (50.002, 50.001))
    compared(found, wanted, at="")
    monkeypatch.setattr(onnx_check, "TOLERANCE", 1e-5)
    wanted = scores((0.0, 1000.0), (50.0, 50.015))
    found = scores((0.0, 1000.0), (50.009, 50.007))
    with pytest.raises(BadEnvironment, match="another class at 1 of 2 cells"):
        compared(found, wanted, at="")


def test_scores_without_range_are_equal_or_not() -> None:
    assert compared(scores((1.0, 1.0)), scores((1.0, 1.0)), at="") == 0
    with pytest.raises(BadEnvironment, match="scores that differ"):
        compared(scores((1.0, 1.1)), scores((1.0, 1.0)), at="")


def test_pictures_are_alike_every_time_and_not_square() -> None:
    image_BCHW = blocks_BCHW(3, 97, 161)
    assert image_BCHW.shape == (3, 3, 97, 161) and image_BCHW.dtype == np.uint8
    assert np.array_equal(image_BCHW, blocks_BCHW(3, 97, 161))
    assert all(height != width for height, width in onnx_check.CHECKED_SIZES)


def test_a_batch_is_asked_as_one_picture_after_the_other() -> None:
    parser, image_BCHW = traced_parser(), blocks_BCHW(3, 33, 47)
    one_by_one = np.concatenate([parser_scores(parser, image_BCHW[n : n + 1]) for n in range(3)])
    np.testing.assert_allclose(parser_scores(parser, image_BCHW), one_by_one, rtol=1e-4, atol=1e-4)


def test_a_graph_of_another_parser_is_found() -> None:
    made = exported(traced_parser())
    assert 0 < made.agreement.largest_difference < onnx_check.TOLERANCE and made.agreement.num_pictures == 8
    threads = session_of(made.content).get_session_options().intra_op_num_threads
    assert threads == torch.get_num_threads(), "no more than torch itself takes"
    with pytest.raises(BadEnvironment, match="must answer as its parser does, but got scores .* at 161x97, batch 1"):
        require_same_answers(traced_parser(first_seed=100), made.content)


def test_what_the_runtime_does_not_take_is_told() -> None:
    with pytest.raises(BadEnvironment, match="ONNX Runtime must take the exported graph, but got: .*nothing was wri"):
        session_of(b"no graph")
