"""The samples that label objects, among samples of which some label only other things (materials, a texture)."""

from mereo.data.sample import Sample, Samples


class SamplesWithObjects(Samples):
    """A view of other samples. Making it reads every sample once."""

    def __init__(self, samples: Samples) -> None:
        self.samples, self.taxonomy = samples, samples.taxonomy
        self._places = [index for index in range(len(samples)) if samples[index].semantic_HW is not None]

    @property
    def names(self) -> list[str]:
        names = self.samples.names
        return [names[index] for index in self._places]

    @property
    def fingerprint(self) -> str:
        return f"{self.samples.fingerprint}-with-objects"

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[self._places[index]]
