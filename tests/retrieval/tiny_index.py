"""Photographs and segments that are made in no time, and tables compared by content."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import TAXONOMY

os.environ.setdefault("LANCEDB_LOG", "error")

from mereo.retrieval.index_building import IndexReport, add_to_index
from mereo.retrieval.index_facts import IndexFacts, relative_root
from mereo.retrieval.photograph_segments import PhotographSegments
from mereo.retrieval.segment_index import SegmentIndex

DIMENSIONS = 8


class StripeSegments:
    """Three segments a photograph, upright stripes; vectors are made from the pixels, so equal bytes are equal."""

    taxonomy = TAXONOMY

    def __init__(self, fingerprint: str = "f" * 32, *, num: int = 3) -> None:
        self.fingerprint, self.num, self.calls = fingerprint, num, 0

    def __call__(self, image_HWC: np.ndarray, *, name: str = "") -> PhotographSegments:
        self.calls += 1
        height, width = image_HWC.shape[:2]
        random = np.random.default_rng(int(image_HWC.astype(np.int64).sum()))
        vector_ND = random.normal(size=(self.num, DIMENSIONS))
        edges = np.linspace(0, width, self.num + 1).astype(int)
        segment_W = np.searchsorted(edges, np.arange(width), side="right") - 1 if self.num else np.full(width, -1)
        segment_HW = np.broadcast_to(segment_W, (height, width))
        return PhotographSegments(
            vector_ND=vector_ND / np.linalg.norm(vector_ND, axis=1, keepdims=True),
            class_index_N=np.arange(self.num) % 3,
            box_N4=np.array([[edges[n], 0, edges[n + 1], height] for n in range(self.num)]).reshape(-1, 4),
            area_N=np.diff(edges) * height,
            segment_HW=segment_HW,
            label_HW=segment_HW % 3,
        )


def save_photograph(path: Path, seed: int, *, size: tuple[int, int] = (24, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


def photographs(folder: Path, count: int) -> list[Path]:
    return [save_photograph(folder / f"{number:03d}.png", number) for number in range(count)]


def build(index: Path, folder: Path, paths: Iterable[Path] | None = None, **options: Any) -> IndexReport:
    source = options.pop("source", None) or StripeSegments()
    facts = IndexFacts(source.fingerprint, "stripes", relative_root(index, folder), TAXONOMY, {})
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if paths is None else paths
    return add_to_index(index, paths, source=source, facts=facts, **options)


def content_of(folder: Path) -> dict[str, list[Any]]:
    """All rows in an order of their own."""
    index = SegmentIndex.open(folder)
    rows = index.table.to_arrow().sort_by([("image", "ascending"), ("segment", "ascending")])
    return rows.to_pydict()
