"""Counts of classes that occur together, on disk: safetensors for parsers, the same with names as JSON for people."""

from pathlib import Path

import torch

from mereo.atomic_files import write_bytes, write_json
from mereo.data.json_reading import parse_json
from mereo.errors import BadInput
from mereo.features.tensor_files import described_tensors, description_of, read_finite_tensors
from mereo.reasoning.cooccurrence import Cooccurrence

FORMAT, COUNTS = "mereo-cooccurrence-1", "cooccurrence"


def write_cooccurrence(path: str | Path, cooccurrence: Cooccurrence) -> Path:
    """NAME.safetensors and NAME.json beside it."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise BadInput(f"counts must be saved as NAME.safetensors, but got {path}; a NAME.json comes beside it.")
    facts = {
        "format": FORMAT,
        "classes": list(cooccurrence.class_names),
        "images": cooccurrence.num_images,
        "source": cooccurrence.source,
    }
    write_bytes(path, described_tensors({COUNTS: cooccurrence.counts_KK.contiguous()}, facts))
    write_json(path.with_suffix(".json"), facts | {"counts": cooccurrence.counts_KK.tolist()}, indent=None)
    return path


def read_cooccurrence(path: str | Path) -> Cooccurrence:
    path = Path(path)
    names, num_images = _facts(path)
    counts_KK = read_finite_tensors(path, what="class counts").get(COUNTS)
    if counts_KK is None or counts_KK.dtype != torch.int64 or counts_KK.shape != (len(names), len(names)):
        raise BadInput(
            f"class counts must be one whole number for every two named classes, but got something else in {path}; "
            "count anew with `mereo data affinity`."
        )
    is_count = bool((counts_KK >= 0).all()) and torch.equal(counts_KK, counts_KK.T)
    if not is_count or bool((counts_KK > counts_KK.diagonal()).any()):
        raise BadInput(
            f"class counts must be symmetric and at most those of either class, but got other numbers in {path}; "
            "count anew with `mereo data affinity`."
        )
    return Cooccurrence(counts_KK, names, num_images, str(path))


def _facts(path: Path) -> tuple[tuple[str, ...], int]:
    text = description_of(path, what="class counts of `mereo data affinity`")
    facts = parse_json(text, what="class counts", path=path)
    try:
        names, num_images = tuple(facts["classes"]), facts["images"]
        if facts["format"] == FORMAT and {type(name) for name in names} <= {str} and type(num_images) is int:
            return names, num_images
    except (TypeError, KeyError):
        pass
    raise BadInput(
        f"class counts must be written by `mereo data affinity`, but got another file in {path}; count anew."
    )
