"""Co-occurrence of the classes of a data set, counted once and cached. For training: on the training split alone."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from mereo.atomic_files import write_json
from mereo.cache_folder import cache_folder
from mereo.data.joined_samples import JoinedSamples, sources_with_objects
from mereo.data.sample import Samples
from mereo.data.taxonomy_file import taxonomy_to_dict
from mereo.errors import BadEnvironment, BadInput
from mereo.reasoning.cooccurrence import Cooccurrence, count_cooccurrence


def cooccurrence_of(
    samples: Samples, *, source: str = "", progress: Callable[[int, int], None] | None = None
) -> Cooccurrence:
    """From the cache if these very files were counted before. `source` says in words which samples these are."""
    taxonomy, cached = samples.taxonomy, _cache_path(samples)
    counts_KK = _read_cached(cached, num_classes=taxonomy.num_objects)
    if counts_KK is None:
        counts_KK = count_cooccurrence(
            _label_maps(samples, progress), taxonomy.num_objects, ignore_label=taxonomy.ignore_index
        )
        try:
            write_json(cached, {"classes": taxonomy.object_names, "counts": counts_KK.tolist()}, indent=None)
        except BadEnvironment:
            pass  # A read-only home costs a recount a run, nothing else.
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


def _read_cached(path: Path, *, num_classes: int) -> Tensor | None:
    """None if there is no cache or a broken one, which is only a slow start."""
    try:
        counts_KK = torch.tensor(json.loads(path.read_text(encoding="utf-8"))["counts"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    is_sound = counts_KK.shape == (num_classes, num_classes) and counts_KK.dtype == torch.int64
    return counts_KK if is_sound and bool((counts_KK >= 0).all()) and torch.equal(counts_KK, counts_KK.T) else None


def _cache_path(samples: Samples) -> Path:
    content = json.dumps([samples.fingerprint, taxonomy_to_dict(samples.taxonomy)], sort_keys=True)
    return cache_folder() / "cooccurrence" / f"{hashlib.blake2b(content.encode(), digest_size=16).hexdigest()}.json"
