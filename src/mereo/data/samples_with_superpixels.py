"""Samples that come with superpixels, whichever reader they are from."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mereo.data.sample import Sample, Samples, as_mask
from mereo.data.samples_view import SamplesView


class SamplesWithSuperpixels(SamplesView):
    """The same samples, with `superpixels_HW` filled by `segment` (a picture to its label map) where it is empty.

    They are found where samples are read, so in the loader's workers, before anything is cropped or turned: `segment`
    must be a function that other processes can take, and should remember what it found.
    """

    def __init__(self, samples: Samples, segment: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__(samples)
        self.segment = segment

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if sample.superpixels_HW is not None:
            return sample
        label_HW = self.segment(sample.image_CHW.permute(1, 2, 0).numpy())
        return replace(sample, superpixels_HW=as_mask(label_HW))
