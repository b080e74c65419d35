"""Samples whose instances are the connected pieces of their things, whichever reader they are from."""

from dataclasses import replace

from mereo.data.component_instances import component_instances
from mereo.data.instances import thing_indices
from mereo.data.sample import Sample, Samples, as_mask
from mereo.data.samples_view import SamplesView


class SamplesWithComponents(SamplesView):
    """The same samples with `instances_HW` made of `semantic_HW`, whatever instances the data has.

    Pieces are found in the whole picture, before anything is cropped: a car that a crop cuts in two stays one. A sample
    without a class map stays as it is.
    """

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples)
        self.things = thing_indices(samples.taxonomy)

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if sample.semantic_HW is None:
            return sample
        return replace(sample, instances_HW=as_mask(component_instances(sample.semantic_HW.numpy(), self.things)))
