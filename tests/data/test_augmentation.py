"""Image and masks move together: each mask's ids are painted into the image, and must still agree afterwards."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from mereo.counter_random import counter_randomness
from mereo.data import augmentation
from mereo.data.augmentation import AugmentationConfig
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy

WIDE = LabelTable(tuple(f"part {index}" for index in range(300)), colours=("#000000",) * 300)
TAXONOMY = Taxonomy(
    "test",
    LabelTable(("a", "b", "c", "d")),
    parts=WIDE,
    materials=LabelTable(("wood",)),
    textures=LabelTable(("striped",)),
)
FILL = {"semantic_HW": 255, "parts_HW": 65535, "material_HW": 255, "texture_HW": 255, "superpixels_HW": -1}


def painted(size: tuple[int, int], *, block: int = 8, names: tuple[str, ...] = ("semantic_HW",)) -> Sample:
    """Blocks of classes 0..3; every pixel's value in the image is 60 times its class, 0 apart from the fill's mean."""
    rows, columns = np.indices(size) // block
    class_HW = (rows * 7 + columns * 3) % 4
    image = as_image(np.repeat((class_HW * 60 + 20)[..., None], 3, axis=2).astype(np.uint8))
    return Sample("painted", image, **{name: as_mask(class_HW) for name in names})


def augmented(sample: Sample, counter: int, pixels_K: Tensor | None = None, **settings_: Any) -> Sample:
    config = AugmentationConfig(**({"crop": (24, 32), "flip": 0.0, "scale": (1.0, 1.0)} | settings_))
    with counter_randomness("test", counter):
        return config.build(TAXONOMY, pixels_K)(sample)


def plain(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor.as_subclass(Tensor)


def disagreement(sample: Sample) -> float:
    """Share of labelled pixels whose value is far from what their class was painted with."""
    label_HW, value_HW = plain(sample.semantic_HW), plain(sample.image_CHW)[0].float()
    labelled_HW = label_HW != 255
    wrong_HW = (value_HW - (label_HW * 60 + 20)).abs() > 30
    return float((wrong_HW & labelled_HW).sum() / labelled_HW.sum().clamp(min=1))


@pytest.mark.parametrize(
    ("settings_", "bound"),
    [
        ({}, 0.0),
        ({"flip": 1.0}, 0.0),
        # From here on neighbours mix at the blocks' borders.
        ({"scale": (2.0, 2.0)}, 0.13),
        ({"scale": (0.5, 3.0), "flip": 0.5}, 0.13),
        ({"rotate_degrees": 180.0}, 0.13),
        ({"rotate_degrees": 30.0, "scale": (0.7, 2.0), "flip": 0.5, "rare_class_share": 0.5}, 0.13),
        ({"working_side": 32, "scale": (1.0, 2.0)}, 0.13),
        ({"working_side": 12, "crop": (8, 12)}, 0.3),  # Reduced first: an eighth of the size, blocks of three pixels.
    ],
)
def test_image_and_labels_move_together(settings_: dict[str, Any], bound: float) -> None:
    sample = painted((96, 144), block=24)
    for counter in range(6):
        result = augmented(sample, counter, **settings_)
        assert result.size == tuple(settings_.get("crop", (24, 32)))
        assert disagreement(result) <= bound


@pytest.mark.parametrize(
    "settings_",
    [
        {"flip": 1.0},
        {"crop": (80, 120)},
        {"scale": (0.5, 3.0)},
        {"rotate_degrees": 90.0, "flip": 0.5, "crop": (80, 80)},
    ],
)
def test_superpixels_move_along(settings_: dict[str, Any]) -> None:
    """Each of 24 superpixels lies in one block, and says -1 outside of the picture, where the labels say 255."""
    sample = painted((64, 96), block=16)
    rows, columns = np.indices((64, 96)) // 16
    sample = replace(sample, superpixels_HW=as_mask(rows * 6 + columns))
    class_of = {int(r * 6 + c): int((r * 7 + c * 3) % 4) for r in range(4) for c in range(6)} | {-1: 255}
    for counter in range(4):
        result = augmented(sample, counter, **settings_)
        superpixels_HW = plain(result.superpixels_HW)
        expected_HW = superpixels_HW.clone().apply_(class_of.__getitem__)
        assert torch.equal(expected_HW, plain(result.semantic_HW)) and superpixels_HW.dtype == torch.int32
        assert len(superpixels_HW.unique()) > 3


def test_a_shifted_mask_would_be_seen() -> None:
    """The test above has eyes."""
    result = augmented(painted((64, 96)), 0)
    shifted = replace(result, semantic_HW=as_mask(np.roll(plain(result.semantic_HW).numpy(), 4, axis=1)))
    assert disagreement(shifted) > 0.3


def test_flip_mirrors_left_and_right() -> None:
    straight, flipped = augmented(painted((24, 32)), 0), augmented(painted((24, 32)), 0, flip=1.0)
    assert torch.equal(plain(flipped.image_CHW), plain(straight.image_CHW).flip(-1))
    assert torch.equal(plain(flipped.semantic_HW), plain(straight.semantic_HW).flip(-1))
    assert not torch.equal(plain(flipped.image_CHW), plain(straight.image_CHW))


@pytest.mark.parametrize("settings_", [{"crop": (40, 40)}, {"rotate_degrees": 45.0, "crop": (16, 16)}])
def test_outside_each_mask_has_its_own_fill(settings_: dict[str, Any]) -> None:
    names = (*FILL, "instances_HW")
    ones = as_mask(np.ones((16, 16)))
    masks = {name: ones for name in names} | {"annotators_AHW": as_mask(np.ones((2, 16, 16)))}
    image = as_image(np.full((16, 16, 3), [10, 100, 200], dtype=np.uint8))
    result = augmented(Sample("ones", image, **masks), 3, **settings_)
    outside_HW = plain(result.semantic_HW) != 1
    assert bool(outside_HW.any()) and not bool(outside_HW.all())
    for name, mask in result.masks.items():
        expected_HW = torch.where(outside_HW, FILL.get(name, 0), 1)
        assert torch.equal(plain(mask).long(), expected_HW.expand(mask.shape)), name
        assert mask.dtype == torch.int32
    # The picture goes on in its mean colour, so that no edge shows.
    assert (plain(result.image_CHW).float() - torch.tensor([10.0, 100.0, 200.0])[:, None, None]).abs().max() <= 1


def test_a_crop_larger_than_the_image_holds_all_of_it() -> None:
    sample = painted((10, 12), block=1)
    result = augmented(sample, 1, crop=(20, 30))
    labelled_HW = plain(result.semantic_HW) != 255
    assert int(labelled_HW.sum()) == 120
    rows, columns = labelled_HW.any(dim=1).nonzero(), labelled_HW.any(dim=0).nonzero()
    inside = plain(result.semantic_HW)[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    assert torch.equal(inside, plain(sample.semantic_HW))


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.none() | st.integers(1, 60),
    st.sampled_from([0.0, 20.0]),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_any_image_and_any_crop(
    size: tuple[int, int], crop: tuple[int, int], working_side: int | None, rotate: float, counter: int
) -> None:
    sample = painted(size, block=2)
    settings_: dict[str, Any] = {"crop": crop, "working_side": working_side, "rotate_degrees": rotate}
    settings_ |= {"scale": (0.4, 2.5), "flip": 0.5, "colour": 0.5, "rare_class_share": 0.5}
    result = augmented(sample, counter, **settings_)
    assert result.size == crop and plain(result.image_CHW).dtype == torch.uint8
    assert set(plain(result.semantic_HW).unique().tolist()) <= {0, 1, 2, 3, 255}


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (1, 20_000), (20_000, 1), (1500, 2000)])
def test_slivers_and_large_photographs_need_little_memory(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cutting first would ask for a window of 30000 x 40000 pixels for the slivers."""

    def cut(tensor: Any, *, window: tuple[int, int], **others: Any) -> Any:
        assert window[0] <= 4 * 24 and window[1] <= 4 * 32
        return cut_and_resized(tensor, window=window, **others)

    cut_and_resized = augmentation._cut_and_resized
    monkeypatch.setattr(augmentation, "_cut_and_resized", cut)
    result = augmented(painted(size), 0, working_side=32, scale=(0.5, 0.5), rare_class_share=1.0)
    assert result.size == (24, 32)


def test_scale_one_shows_the_working_side() -> None:
    result = augmented(painted((60, 90), block=30), 0, crop=(20, 30), working_side=30)
    assert torch.equal(plain(result.semantic_HW), plain(painted((20, 30), block=10).semantic_HW))
    small = augmented(painted((600, 900), block=300), 0, crop=(20, 30), working_side=30)
    assert torch.equal(plain(small.semantic_HW), plain(painted((20, 30), block=10).semantic_HW))


def test_ids_survive_scaling() -> None:
    """Nearest neighbour: no id may be born between two others."""
    ids_HW = np.random.default_rng(0).choice([0, 7, 2**24], size=(50, 50))
    image = as_image(np.zeros((50, 50, 3), dtype=np.uint8))
    result = augmented(Sample("ids", image, instances_HW=as_mask(ids_HW)), 0, scale=(0.3, 3.0), rotate_degrees=10.0)
    assert set(plain(result.instances_HW).unique().tolist()) <= {0, 7, 2**24}


def one_rare_block() -> tuple[Sample, Tensor]:
    label_HW = np.zeros((200, 200))
    label_HW[190:198, 4:12] = 3
    sample = Sample("rare", as_image(np.zeros((200, 200, 3), dtype=np.uint8)), semantic_HW=as_mask(label_HW))
    return sample, torch.tensor([10_000_000, 0, 0, 10])


def test_rare_class_crops_contain_the_rare_class() -> None:
    sample, pixels_K = one_rare_block()
    for counter in range(20):
        result = augmented(sample, counter, pixels_K, rare_class_share=1.0, scale=(0.5, 2.0), flip=0.5)
        assert bool((plain(result.semantic_HW) == 3).any())
    seen = [bool((plain(augmented(sample, c).semantic_HW) == 3).any()) for c in range(20)]
    assert sum(seen) < 10, "the test needs a class that ordinary crops miss"


def test_rare_class_crops_look_at_parts_every_other_time() -> None:
    """One object fills the picture, and one of its parts is small."""
    parts_HW = np.full((200, 200), 65535)
    parts_HW[:, :100], parts_HW[190:198, 4:12] = 299, 7
    image, whole = as_image(np.zeros((200, 200, 3), dtype=np.uint8)), as_mask(np.zeros((200, 200)))
    sample = Sample("one car", image, semantic_HW=whole, parts_HW=as_mask(parts_HW))

    def share(of: Sample, rare_class_share: float) -> float:
        crops = [plain(augmented(of, c, rare_class_share=rare_class_share).parts_HW) for c in range(80)]
        return sum(bool((crop == 7).any()) for crop in crops) / len(crops)

    by_chance = share(sample, 0.0)
    assert by_chance < 0.1 and 0.15 < share(sample, 1.0) - 0.75 * by_chance < 0.4  # Half the time, one of two parts.
    nothing = Sample("no part", image, semantic_HW=whole, parts_HW=as_mask(np.full((200, 200), 65535)))
    assert share(nothing, 1.0) == 0.0


def test_rare_class_crops_do_without_labels() -> None:
    image = as_image(np.zeros((40, 40, 3), dtype=np.uint8))
    unlabelled = Sample("none", image)
    ignored = Sample("ignored", image, semantic_HW=as_mask(np.full((40, 40), 255)))
    for sample in (unlabelled, ignored):
        assert augmented(sample, 0, rare_class_share=1.0).size == (24, 32)


def test_colours_change_and_labels_do_not() -> None:
    sample = painted((24, 32))
    result = augmented(sample, 0, colour=1.0)
    assert not torch.equal(plain(result.image_CHW), plain(sample.image_CHW))
    assert torch.equal(plain(result.semantic_HW), plain(sample.semantic_HW))


def test_draws_follow_the_counter_alone() -> None:
    settings_: dict[str, Any] = {"rotate_degrees": 20.0, "colour": 0.5, "scale": (0.5, 2.0), "flip": 0.5}
    first, again, other = (augmented(painted((64, 96)), counter, **settings_) for counter in (5, 5, 6))
    assert torch.equal(plain(first.image_CHW), plain(again.image_CHW))
    assert torch.equal(plain(first.semantic_HW), plain(again.semantic_HW))
    assert not torch.equal(plain(first.image_CHW), plain(other.image_CHW))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"crop": (0, 8)}, "crop must be a height and a width of at least 1"),
        ({"crop": (8, 8), "scale": (2.0, 0.5)}, "scale must be a range low, high with 0 < low <= high"),
        ({"crop": (8, 8), "scale": (0.0, 1.0)}, "scale must be a range"),
        ({"crop": (8, 8), "flip": 1.5}, "less than or equal to 1"),
        ({"crop": (8, 8), "flip": True}, "flip must not be true or false"),
    ],
)
def test_bad_settings(settings_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AugmentationConfig(**settings_)


def test_left_and_right_change_names_in_a_mirror() -> None:
    table = LabelTable(("hood", "left door", "right door"))
    taxonomy = Taxonomy("sides", table, parts=table)
    label = torch.tensor([[0, 1, 1, 2], [255, 255, 2, 0]]).numpy()
    image = as_image(np.zeros((2, 4, 3), dtype=np.uint8))
    sample = Sample("car", image, semantic_HW=as_mask(label), parts_HW=as_mask(label), instances_HW=as_mask(label))
    config = AugmentationConfig(crop=(2, 4), scale=(1.0, 1.0), flip=1.0)
    mirrored = config.build(taxonomy)(sample)
    expected = [[1, 2, 2, 0], [0, 1, 255, 255]]
    assert plain(mirrored.semantic_HW).tolist() == plain(mirrored.parts_HW).tolist() == expected
    assert plain(mirrored.instances_HW).tolist() == label[:, ::-1].tolist()  # Ids are no classes.
