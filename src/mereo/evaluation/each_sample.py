"""The frame of every evaluation: one sample after another, and how many are done."""

from collections.abc import Callable, Iterator

from mereo.data.sample import Sample, Samples
from mereo.errors import BadInput


def each_sample(samples: Samples, progress: Callable[[int, int], None] | None = None) -> Iterator[Sample]:
    """`progress(done, total)` is called when the caller is done with a sample. Without any sample an error."""
    if len(samples) == 0:
        raise BadInput("samples must hold at least one image, but got none; check folder and split.")
    for index in range(len(samples)):
        yield samples[index]
        if progress is not None:
            progress(index + 1, len(samples))
