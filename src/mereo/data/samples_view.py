"""SamplesView: other samples, some of whose answers a subclass changes."""

from pathlib import Path

from mereo.data.label_reading import RawLabel
from mereo.data.sample import Sample, Samples


class SamplesView(Samples):
    """Says all that the samples say. Its fingerprint is theirs: what is cached by it rests on nothing that is changed.

    The index of a sample must mean the same in both.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples, self.taxonomy = samples, samples.taxonomy

    @property
    def names(self) -> list[str]:
        return self.samples.names

    @property
    def fingerprint(self) -> str:
        return self.samples.fingerprint

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    @property
    def source_files(self) -> list[Path]:
        return self.samples.source_files

    @property
    def num_with_scene(self) -> int | None:
        return self.samples.num_with_scene

    def raw_labels(self, index: int) -> list[RawLabel] | None:
        return self.samples.raw_labels(index)

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]] | None:
        return self.samples.picture_and_labels(index)
