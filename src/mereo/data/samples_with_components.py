"""Samples whose instances are the connected pieces of their things, whichever reader they are from."""

from collections.abc import Callable
from dataclasses import replace

from mereo.data.component_instances import component_instances
from mereo.data.instances import thing_indices
from mereo.data.label_reading import RawLabel
from mereo.data.sample import Sample, Samples, as_mask


class SamplesWithComponents:
    """The same samples with `instances_HW` made of `semantic_HW`, whatever instances the data has.

    Pieces are found in the whole picture, before anything is cropped: a car that a crop cuts in two stays one. A sample
    without a class map stays as it is.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.taxonomy = samples.taxonomy
        self.things = thing_indices(samples.taxonomy)

    @property
    def names(self) -> list[str]:
        return self.samples.names

    @property
    def fingerprint(self) -> str:
        """That of the samples: what is cached by it does not rest on instances."""
        return self.samples.fingerprint

    @property
    def raw_labels(self) -> Callable[[int], list[RawLabel]] | None:
        """The reader's own, if it has them: what `mereo data check` looks at."""
        return getattr(self.samples, "raw_labels", None)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if sample.semantic_HW is None:
            return sample
        return replace(sample, instances_HW=as_mask(component_instances(sample.semantic_HW.numpy(), self.things)))
