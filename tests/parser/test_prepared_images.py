"""A photograph on its way to the network: not copied where that can be helped, resized channel by channel, never
written into."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser
from tiny_sorting_parser import tiny_sorting_parser
from torch import Tensor

from mereo.parser.asking.image_scores import prepared_image, resized_image
from mereo.parser.scene_parser import SceneParser

PARSER = tiny_parser()
MAKERS = (tiny_parser, tiny_grouping_parser, tiny_pyramid_parser, tiny_sorting_parser)


def resized_at_once(image_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """All channels as floats at the photograph's size."""
    return F.interpolate(image_BCHW.float(), size=size, mode="bilinear", align_corners=False, antialias=True)


@pytest.mark.parametrize(
    ("size", "seen"), [((301, 403), (75, 101)), ((60, 80), (91, 130)), ((1, 90), (3, 40)), ((400, 2), (48, 1))], ids=str
)
def test_channel_by_channel_is_byte_for_byte_as_all_at_once(size: tuple[int, int], seen: tuple[int, int]) -> None:
    image_HWC = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image_1CHW = torch.from_numpy(image_HWC).permute(2, 0, 1)[None]
    wanted_1CHW = resized_at_once(image_1CHW, seen)
    found_1CHW = prepared_image(PARSER, image_HWC, seen)
    # Convolutions may round otherwise where numbers lie in another order.
    assert torch.equal(found_1CHW, wanted_1CHW) and found_1CHW.stride() == wanted_1CHW.stride()
    batch_BCHW = torch.cat([image_1CHW, image_1CHW.flip(-1)]).float()
    assert torch.equal(resized_image(batch_BCHW, seen), resized_at_once(batch_BCHW, seen))


def test_only_one_channel_at_a_time_is_made_float(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, whole = [], F.interpolate

    def interpolate(image_BCHW: Tensor, **options: object) -> Tensor:
        numbers.append(image_BCHW.numel())
        return whole(image_BCHW, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "interpolate", interpolate)
    prepared_image(PARSER, random_image(60, 80), (30, 40))
    assert numbers == [60 * 80] * 3


def test_an_array_that_torch_can_read_is_not_copied() -> None:
    image_HWC = random_image(40, 56)
    assert np.shares_memory(prepared_image(PARSER, image_HWC, (40, 56)).numpy(), image_HWC)


def test_read_only_arrays_are_copied_without_a_warning() -> None:
    image_HWC = random_image(40, 56)
    image_HWC.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen_1CHW = prepared_image(PARSER, image_HWC, (40, 56))
    assert not np.shares_memory(seen_1CHW.numpy(), image_HWC)
    np.testing.assert_array_equal(seen_1CHW[0].permute(1, 2, 0).numpy(), image_HWC)


@pytest.mark.parametrize(("size", "axis"), [((9, 1), 1), ((1, 9), 0), ((1, 1), 1), ((9, 7), 0)], ids=str)
def test_sides_that_run_backwards(size: tuple[int, int], axis: int) -> None:
    """With a side of one pixel such an array counts as contiguous, and has a negative stride nevertheless."""
    image_HWC = np.flip(random_image(*size), axis)
    assert image_HWC.flags.c_contiguous == (1 in size) and min(image_HWC.strides) < 0
    np.testing.assert_array_equal(prepared_image(PARSER, image_HWC, size)[0].permute(1, 2, 0).numpy(), image_HWC)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("options", [{}, {"flip": True, "scales": (0.5, 1.0)}, {"tile": 64}], ids=str)
def test_nobody_writes_into_the_callers_array(make: object, options: dict[str, object]) -> None:
    parser: SceneParser = make()  # type: ignore[operator]
    image_HWC = random_image(64, 96)
    before_HWC = image_HWC.copy()
    parser.parse(image_HWC, with_confidence=True, **options)
    np.testing.assert_array_equal(image_HWC, before_HWC)
