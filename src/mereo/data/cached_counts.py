"""Counts over the classes of a data set, taken once and remembered in the cache."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from mereo.atomic_files import write_json
from mereo.cache_folder import cache_folder
from mereo.data.sample import Samples
from mereo.data.taxonomy_file import taxonomy_to_dict
from mereo.errors import BadEnvironment


def cached_counts(samples: Samples, kind: str, shape: tuple[int, ...], count: Callable[[], Tensor]) -> Tensor:
    """What `count` says (int64), or said before of these very files. `kind` names the folder in the cache.

    Counts of pairs of classes are symmetric.
    """
    key = json.dumps([samples.fingerprint, taxonomy_to_dict(samples.taxonomy)], sort_keys=True)
    path = cache_folder() / kind / f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.json"
    counts = _read(path, shape)
    if counts is None:
        counts = count()
        with suppress(BadEnvironment):  # A read-only home costs a recount a run, nothing else.
            write_json(path, {"classes": samples.taxonomy.object_names, "counts": counts.tolist()}, indent=None)
    return counts


def _read(path: Path, shape: tuple[int, ...]) -> Tensor | None:
    """None if there is no cache or a broken one, which is only a slow start."""
    try:
        counts = torch.tensor(json.loads(path.read_text(encoding="utf-8"))["counts"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    is_sound = counts.shape == shape and counts.dtype == torch.int64 and bool((counts >= 0).all())
    return counts if is_sound and torch.equal(counts, counts.transpose(0, -1)) else None
