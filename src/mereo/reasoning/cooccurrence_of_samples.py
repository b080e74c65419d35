"""Co-occurrence of the classes of a data set, counted once and cached. For training: on the training split alone."""

from collections.abc import Callable, Iterator

from torch import Tensor

from mereo.data.cached_counts import cached_counts
from mereo.data.joined_samples import JoinedSamples, sources_with_objects
from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.reasoning.cooccurrence import Cooccurrence, count_cooccurrence


def cooccurrence_of(
    samples: Samples, *, source: str = "", progress: Callable[[int, int], None] | None = None
) -> Cooccurrence:
    """From the cache if these very files were counted before. `source` says in words which samples these are."""
    taxonomy, num_classes = samples.taxonomy, samples.taxonomy.num_objects

    def count() -> Tensor:
        return count_cooccurrence(_label_maps(samples, progress), num_classes, ignore_label=taxonomy.ignore_index)

    counts_KK = cached_counts(samples, "cooccurrence", (num_classes, num_classes), count)
    if not bool(counts_KK.any()):
        raise BadInput("training labels must hold at least one labelled pixel, but got none; check the ignored ids.")
    return Cooccurrence(counts_KK, tuple(taxonomy.object_names), sum(map(len, _counted(samples))), source)


def _counted(samples: Samples) -> tuple[Samples, ...]:
    """Of joined sources those that label objects."""
    return (isinstance(samples, JoinedSamples) and sources_with_objects(samples)) or (samples,)


def _label_maps(samples: Samples, progress: Callable[[int, int], None] | None) -> Iterator[Tensor]:
    total, done = sum(map(len, _counted(samples))), 0
    for source in _counted(samples):
        for index in range(len(source)):
            sample = source[index]
            if sample.semantic_HW is None:
                raise BadInput(f"samples must have semantic labels, but got none in {sample.name}; check the folder.")
            yield sample.semantic_HW
            done += 1
            if progress is not None:
                progress(done, total)
