"""A sample's image and masks belong together."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2 as v2
from torchvision import tv_tensors

from mereo.data.sample import MAX_ID, Sample, as_image, as_mask
from mereo.errors import BadInput

IMAGE = as_image(np.zeros((4, 6, 3), dtype=np.uint8))


def test_the_right_way_round() -> None:
    sample = Sample("a", IMAGE, semantic_HW=as_mask(np.zeros((4, 6))), annotators_AHW=as_mask(np.zeros((3, 4, 6))))
    assert sample.size == (4, 6) and sample.image_CHW.shape == (3, 4, 6)
    assert list(sample.masks) == ["semantic_HW", "annotators_AHW"]


@pytest.mark.parametrize(
    "name", ["semantic_HW", "instances_HW", "parts_HW", "material_HW", "texture_HW", "superpixels_HW"]
)
@pytest.mark.parametrize("size", [(4, 5), (6, 4)])
def test_masks_of_another_size_are_refused(name: str, size: tuple[int, int]) -> None:
    message = (
        f"{name} must have the image's size 6x4, but got {size[1]}x{size[0]} in b.png; label and image must belong"
    )
    with pytest.raises(BadInput, match=message):
        Sample("b.png", IMAGE, **{name: as_mask(np.zeros(size))})


def test_masks_of_another_layout_are_refused() -> None:
    with pytest.raises(BadInput, match=r"semantic_HW must have 2 axes, but got shape \(1, 4, 6\) in a; reshape it"):
        Sample("a", IMAGE, semantic_HW=as_mask(np.zeros((1, 4, 6))))
    with pytest.raises(BadInput, match=r"annotators_AHW must have 3 axes, but got shape \(4, 6\) in a"):
        Sample("a", IMAGE, annotators_AHW=as_mask(np.zeros((4, 6))))


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (4, 4, 6), (1, 3, 4, 6)])
def test_images_have_three_colours(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        BadInput, match=r"image_CHW must have three colours, rows and columns, but got shape .* in a; convert"
    ):
        Sample("a", tv_tensors.Image(torch.zeros(shape)))


def test_transformed_moves_image_and_masks_and_keeps_the_rest() -> None:
    raw_HW = np.arange(24).reshape(4, 6)
    image = as_image(np.repeat(raw_HW[..., None], 3, axis=2).astype(np.uint8))
    sample = Sample("a", image, semantic_HW=as_mask(raw_HW), annotators_AHW=as_mask(raw_HW[None]), scene=3)
    flipped = sample.transformed(v2.RandomHorizontalFlip(p=1.0))
    assert flipped.semantic_HW is not None and flipped.annotators_AHW is not None
    assert flipped.semantic_HW.tolist() == raw_HW[:, ::-1].tolist() == flipped.image_CHW[0].tolist()
    assert flipped.annotators_AHW[0].tolist() == raw_HW[:, ::-1].tolist()
    assert (flipped.name, flipped.scene) == ("a", 3) and flipped.parts_HW is None
    assert isinstance(flipped.semantic_HW, tv_tensors.Mask) and isinstance(flipped.image_CHW, tv_tensors.Image)


def test_turned_arrays_are_taken() -> None:
    """EXIF turning leaves arrays with negative strides, which torch does not read."""
    array_HWC = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert as_image(array_HWC[::-1]).tolist() == as_image(array_HWC[::-1].copy()).tolist()
    assert as_mask(np.rot90(array_HWC[..., 0])).shape == (4, 2)


@pytest.mark.parametrize("value", [-1, MAX_ID + 1, 2**31, 2**40])
def test_ids_that_a_transform_would_change_are_refused(value: int) -> None:
    with pytest.raises(BadInput, match=f"ids must be 0 to {MAX_ID}, but got .*{value}.* in a label map; renumber them"):
        as_mask(np.array([[0, value]], dtype=np.int64) if value > 0 else np.array([[value]]))


def test_the_largest_id_survives_a_transform() -> None:
    mask = as_mask(np.full((4, 4), MAX_ID, dtype=np.uint32))
    assert mask.dtype == torch.int32
    assert v2.Resize((8, 8), interpolation=v2.InterpolationMode.NEAREST_EXACT)(mask).unique().tolist() == [MAX_ID]
