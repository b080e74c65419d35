"""Samples gain superpixels, in the process that reads them; those that have some keep theirs."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from mereo.data.augmentation import AugmentationConfig
from mereo.data.batches import StepSampler, training_batches
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.samples_with_superpixels import SamplesWithSuperpixels
from mereo.data.taxonomy import LabelTable, Taxonomy


class ThreeSamples:
    taxonomy, fingerprint, names = Taxonomy("test", LabelTable(("a", "b"))), "three", ["0", "1", "2"]

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        image_HW3 = np.full((8, 12, 3), index, dtype=np.uint8)
        image_HW3[:, 6:, 1] = 200
        return Sample(str(index), as_image(image_HW3), semantic_HW=as_mask(np.full((8, 12), index % 2)))


def halves(image_HW3: np.ndarray, *, first: int) -> np.ndarray:
    return np.where(image_HW3[..., 1] == 200, first + 1, first)


def test_every_sample_is_itself_with_superpixels() -> None:
    samples = ThreeSamples()
    found = SamplesWithSuperpixels(samples, partial(halves, first=5))
    assert (len(found), found.names, found.fingerprint) == (3, samples.names, "three")
    assert found.taxonomy is samples.taxonomy
    for index in range(3):
        assert found[index].superpixels_HW is not None
        assert found[index].superpixels_HW.tolist() == [[5] * 6 + [6] * 6] * 8
        assert replace(found[index], superpixels_HW=None).name == samples[index].name
        assert torch.equal(found[index].semantic_HW, samples[index].semantic_HW)


def test_a_map_given_by_the_user_stays() -> None:
    class Given(ThreeSamples):
        def __getitem__(self, index: int) -> Sample:
            return replace(super().__getitem__(index), superpixels_HW=as_mask(np.full((8, 12), 3)))

    def segment(image_HW3: np.ndarray) -> np.ndarray:
        raise AssertionError

    assert SamplesWithSuperpixels(Given(), segment)[1].superpixels_HW.unique().tolist() == [3]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_in_the_loader(num_workers: int) -> None:
    samples = SamplesWithSuperpixels(ThreeSamples(), partial(halves, first=0))
    augment = AugmentationConfig(crop=(10, 12), scale=(1, 1), flip=1.0).build(samples.taxonomy)
    sampler = StepSampler(source_sizes=(3,), batch_size=3, seed=0, first_step=0, num_steps=1)
    (batch,) = training_batches(samples, augment, sampler, num_workers=num_workers)
    superpixels_BHW = batch.required("superpixels_BHW")
    is_outside_BHW = batch.required("semantic_BHW") == 255
    assert superpixels_BHW.unique().tolist() == [-1, 0, 1]
    assert torch.equal(superpixels_BHW == -1, is_outside_BHW) and int(is_outside_BHW.sum()) == 3 * 2 * 12
    inside_BHW = superpixels_BHW[~is_outside_BHW].reshape(3, 8, 12)
    assert (inside_BHW[..., :6] == 1).all() and (inside_BHW[..., 6:] == 0).all()
