"""Segments like one of a photograph, from an index that is kept in memory; asked again and again."""

import base64
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mereo.drawing.segment_thumbnail import segment_crop
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.scene_parser import SceneParser
from mereo.retrieval.index_facts import IndexFacts
from mereo.retrieval.nearest_segments import MAX_TOP, FoundSegment, WarmSearch, found_segments
from mereo.retrieval.parse_segments import ParseSegmentsConfig
from mereo.retrieval.photograph_segments import PhotographSegments, SegmentSource
from mereo.retrieval.segment_index import TABLE, SegmentIndex
from mereo.strict_yaml import validated
from mereo.web.errors_without_paths import errors_without_paths
from mereo.web.our_trouble import our_trouble
from mereo.web.pixel_hash import pixel_hash
from mereo.web.saved_labels import class_index_of

MAX_REMEMBERED, MAX_REMEMBERED_BYTES = 8, 256 * 2**20
# Two passes over the same pixels give the same vector, but for rounding.
SAME_DISTANCE = 1e-5
# So many of the nearest are looked at for the photograph itself: it may be in the index more than once.
MAX_COPIES = 16


class SegmentFinder:
    """`parsers` gives those that may be the one that the index names, the likeliest first; the one that gives the
    index's vectors is taken, when the first question comes. Questions of several threads are answered one after the
    other, but nobody else may use that parser meanwhile."""

    def __init__(self, index_folder: Path, parsers: Callable[[str], Iterable[SceneParser]]) -> None:
        self.index_folder, self._parsers = index_folder, parsers
        self._guard, self._index_guard = threading.Lock(), threading.Lock()
        self._source: SegmentSource | None = None
        self._source_of: tuple[str, Any] | None = None
        self._search: WarmSearch | None = None
        self._remembered: OrderedDict[str, PhotographSegments] = OrderedDict()
        self.remembered_bytes = 0
        self._files, self._index = _files_of_versions(index_folder), SegmentIndex.open(index_folder)

    @property
    def num_segments(self) -> int:
        with self._errors():
            return len(self._newest())

    @property
    def classes(self) -> list[str]:
        """That `find` knows by name: those of the index, whichever parser a photograph was parsed by."""
        with self._errors():
            return self._newest().facts.taxonomy.object_names

    @property
    def image_folder(self) -> Path:
        """That images of the index are named in."""
        with self._errors():
            return self.index_folder / self._newest().facts.root

    def prepare(self) -> None:
        """The parser is loaded now and not at the next question: for a thread that nobody waits for."""
        with self._guard, self._errors():
            self._source_for(self._newest().facts)

    def find(
        self,
        image_HWC: np.ndarray,
        *,
        name: str,
        x: int,
        y: int,
        top: int,
        class_name: str | None,
        not_this: bool,
    ) -> dict[str, Any]:
        """The `top` segments nearest to the one at x, y, of one class if asked.

        `not_this` leaves the photograph itself out. The index knows files by their bytes, and only pixels are here, so
        it is known by a segment at distance 0 (within 1e-5) in a photograph of the same size: with it go all segments
        of that file. A copy that was saved anew with loss is another photograph.
        """
        with self._guard, self._errors():
            index = self._newest()
            taxonomy = index.facts.taxonomy
            class_index = None if class_name is None else class_index_of(taxonomy, class_name)
            segments = self._segments(index, image_HWC, name)
            position = segments.at(x, y)
            if self._search is None or self._search.index is not index:
                self._search = WarmSearch(index)
            copies = _copies(self._search, segments, position) if not_this else []
            found = _nearest(self._search, segments, position, top=top, class_index=class_index, without=copies)
        query = {
            "class": taxonomy.object_names[int(segments.class_index_N[position])],
            "box_xyxy": segments.box_N4[position].tolist(),
        }
        return {"query": query, "found": [described(one) for one in found]}

    def _newest(self) -> SegmentIndex:
        """`mereo index add` may have run since the last question, or the index may have been built anew."""
        with self._index_guard:
            files = _files_of_versions(self.index_folder)
            if files != self._files:
                with our_trouble():
                    self._index, self._files = SegmentIndex.open(self.index_folder), files
            return self._index

    def _errors(self) -> AbstractContextManager[None]:
        parser = self._index.facts.parser
        return errors_without_paths({str(self.index_folder): self.index_folder.name, parser: Path(parser).name})

    def _segments(self, index: SegmentIndex, image_HWC: np.ndarray, name: str) -> PhotographSegments:
        """Of a photograph that was asked about before no new parse is needed; the newest is remembered whatever its
        size."""
        source = self._source_for(index.facts)
        key = pixel_hash(image_HWC)
        if key not in self._remembered:
            self._remembered[key] = _small(source(image_HWC, name=name))
            total = sum(map(_num_bytes, self._remembered.values()))
            while (count := len(self._remembered)) > 1 and (count > MAX_REMEMBERED or total > MAX_REMEMBERED_BYTES):
                total -= _num_bytes(self._remembered.popitem(last=False)[1])
            self.remembered_bytes = total
        self._remembered.move_to_end(key)
        return self._remembered[key]

    def _source_for(self, facts: IndexFacts) -> SegmentSource:
        wanted = (facts.fingerprint, facts.settings)
        if self._source is None or self._source_of != wanted:
            with our_trouble():
                config = validated(ParseSegmentsConfig, facts.settings, source="the settings of the index")
                source = self._likeliest(facts, config)
                facts.require_fingerprint(source.fingerprint, folder=self.index_folder)
            self._source, self._source_of = source, wanted
            self._remembered.clear()
            self.remembered_bytes = 0
        return self._source

    def _likeliest(self, facts: IndexFacts, config: ParseSegmentsConfig) -> SegmentSource:
        """Of the parser whose vectors are those of the index; where nobody has it, of the first that was tried."""
        first: SegmentSource | None = None
        try:
            for parser in self._parsers(facts.parser):
                source = config.build(parser)
                if source.fingerprint == facts.fingerprint:
                    return source
                first = source if first is None else first
        except (BadInput, BadEnvironment):
            if first is None:
                raise
        if first is None:
            raise BadInput("the parser of an index must be there, but got none; pass it with --parser.")
        return first


def _files_of_versions(index_folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Differs for every version of the index, and for one that was built anew in the same place."""
    found = []
    for path in sorted((index_folder / f"{TABLE}.lance" / "_versions").glob("*.manifest")):
        with suppress(FileNotFoundError):  # An old version is being tidied away.
            facts = path.stat()
            found.append((path.name, facts.st_ino, facts.st_mtime_ns))
    return tuple(found)


def _copies(search: WarmSearch, segments: PhotographSegments, position: int) -> list[str]:
    """Content hashes of the files that are this photograph."""
    near = _nearest(search, segments, position, top=MAX_COPIES, class_index=None, without=[])
    is_copy = {
        one.content_hash: one.distance <= SAME_DISTANCE and (one.height, one.width) == segments.segment_HW.shape
        for one in reversed(near)
    }
    return [content_hash for content_hash in reversed(is_copy) if is_copy[content_hash]]


def _nearest(
    search: WarmSearch,
    segments: PhotographSegments,
    position: int,
    *,
    top: int,
    class_index: int | None,
    without: Sequence[str],
) -> list[FoundSegment]:
    # The search leaves out one file. Of others with the same pixels no more can come than the photograph has segments.
    most = min(MAX_TOP, top + len(segments) * max(0, len(without) - 1)) if top >= 1 else top
    row_ids, distances = search.nearest(
        segments.vector_ND[position],
        top=most,
        class_index=class_index,
        not_content_hash=without[0] if without else None,
    )
    found = found_segments(search.index, row_ids.tolist(), distances.tolist())
    return [one for one in found if one.content_hash not in without][:top]


def _small(segments: PhotographSegments) -> PhotographSegments:
    """Without the map of classes, which nobody asks for here, and with half the bytes for that of segments."""
    small_HW = segments.segment_HW.astype(np.int16 if len(segments) < 2**15 else np.int32)
    return replace(segments, segment_HW=small_HW, label_HW=small_HW)


def _num_bytes(segments: PhotographSegments) -> int:
    """Of the two that are large, after `_small`."""
    return segments.segment_HW.nbytes + segments.vector_ND.nbytes


def described(found: FoundSegment) -> dict[str, Any]:
    return {
        "distance": round(found.distance, 6),
        "image": found.image,
        "class": found.class_name,
        "box_xyxy": list(found.box_xyxy),
        "image_size": [found.width, found.height],
        "shown_xyxy": list(segment_crop(found.box_xyxy, (found.height, found.width)).box_xyxy),
        "thumbnail": base64.b64encode(found.thumbnail).decode("ascii"),
    }
