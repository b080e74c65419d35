"""JoinedSamples: several sources as one, all with the classes of one taxonomy. A batch comes from one of them."""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from typing import Any

from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import TASKS, LabelTable, Taxonomy
from mereo.errors import BadInput

MOST_SOURCES = 1000


class JoinedSamples(Samples):
    """The samples of each source in turn, called `source/name`. What a source does not label stays None.

    Every source says in its own label tables which of its raw ids is which class; names, their order, parts and owners
    must be one, so that an index means the same wherever it comes from.
    """

    def __init__(self, sources: Mapping[str, Samples], *, taxonomy: Taxonomy | None = None) -> None:
        if not 1 <= len(sources) <= MOST_SOURCES:
            raise BadInput(f"joined data must have 1 to {MOST_SOURCES} sources, but got {len(sources)}; name some.")
        self.sources = dict(sources)
        self.taxonomy = next(iter(self.sources.values())).taxonomy if taxonomy is None else taxonomy
        for name, samples in self.sources.items():
            if len(samples) == 0:
                raise BadInput(f"a source must hold at least one sample, but got none in {name!r}; leave it out.")
            _require_same_classes(samples.taxonomy, self.taxonomy, source=name)
        self._ends = list(accumulate(len(samples) for samples in self.sources.values()))

    @property
    def names(self) -> list[str]:
        return [f"{source}/{name}" for source, samples in self.sources.items() for name in samples.names]

    @property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for source, samples in self.sources.items():
            digest.update(f"{source}\0{samples.fingerprint}\n".encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Sample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample must be one of {len(self)}, but got {index}; count from 0.")
        index %= len(self)
        source = bisect_right(self._ends, index)
        name, samples = list(self.sources.items())[source]
        sample = samples[index - self._ends[source] + len(samples)]
        return replace(sample, name=f"{name}/{sample.name}")


def sources_of_samples(samples: Samples) -> tuple[Samples, ...]:
    """The sources of joined samples; any others are one source."""
    return tuple(samples.sources.values()) if isinstance(samples, JoinedSamples) else (samples,)


def only_source(samples: Samples) -> Samples:
    """What joined samples hold if they hold one source: its raw ids can be looked at. Any others stay as they are."""
    sources = sources_of_samples(samples)
    return sources[0] if len(sources) == 1 else samples


def source_sizes(samples: Samples) -> tuple[int, ...]:
    return tuple(len(source) for source in sources_of_samples(samples))


def sources_with_objects(samples: Samples) -> tuple[Samples, ...]:
    """Those that label objects pixel by pixel; a source labels the same tasks in all of its samples."""
    return tuple(source for source in sources_of_samples(samples) if source[0].semantic_HW is not None)


def _require_same_classes(own: Taxonomy, joint: Taxonomy, *, source: str) -> None:
    if _without_ids(own) == _without_ids(joint):
        return
    for task in TASKS:
        own_names, joint_names = _names(getattr(own, task)), _names(getattr(joint, task))
        if own_names != joint_names:
            strange = [name for name in own_names if name not in joint_names][:5] or own_names[:5]
            raise BadInput(
                f"sources must have the {task} of the joint taxonomy {joint.name!r}, but got {strange} of taxonomy "
                f"{own.name!r} in source {source!r}; give the source a description with that taxonomy."
            )
    raise BadInput(
        f"sources must have the joint taxonomy {joint.name!r}, but got other things, owners of parts, colours or "
        f"derived tasks in taxonomy {own.name!r} of source {source!r}; give the source a description with it."
    )


def _names(table: LabelTable | None) -> list[str]:
    return [] if table is None else list(table.names)


def _without_ids(taxonomy: Taxonomy) -> Taxonomy:
    """Raw ids are each source's own; what a taxonomy is called makes no difference."""

    tables = {task: getattr(taxonomy, task) for task in TASKS}
    plain: dict[str, Any] = {
        task: LabelTable(names=table.names, colours=table.colours)
        for task, table in tables.items()
        if table is not None
    }
    return replace(taxonomy, name="", **plain)
