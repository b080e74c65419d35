"""Samples that come with superpixels, whichever reader they are from."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mereo.data.sample import Sample, Samples, as_mask


class SamplesWithSuperpixels:
    """The same samples, with `superpixels_HW` filled by `segment` (a picture to its label map) where it is empty.

    They are found where samples are read, so in the loader's workers, before anything is cropped or turned: `segment`
    must be a function that other processes can take, and should remember what it found.
    """

    def __init__(self, samples: Samples, segment: Callable[[np.ndarray], np.ndarray]) -> None:
        self.samples, self.segment = samples, segment
        self.taxonomy = samples.taxonomy

    @property
    def names(self) -> list[str]:
        return self.samples.names

    @property
    def fingerprint(self) -> str:
        """That of the samples: what is cached by it does not rest on superpixels."""
        return self.samples.fingerprint

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if sample.superpixels_HW is not None:
            return sample
        label_HW = self.segment(sample.image_CHW.permute(1, 2, 0).numpy())
        return replace(sample, superpixels_HW=as_mask(label_HW))
