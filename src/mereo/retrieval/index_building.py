"""Photographs into an index: only what is new or changed is looked at, and what is done stays done.

A photograph is known by its content: the same bytes change nothing, under whichever name; other bytes under a known
name replace its rows; a file that moved takes its rows along. Every few seconds what came together is committed, so a
build that was killed goes on where it stood, and ends with the same rows as one that nobody disturbed.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mereo.data.pictures.decoding_bounds import MAKE_SMALLER
from mereo.data.pictures.image_reading import read_image
from mereo.errors import BadInput
from mereo.folder_lock import folder_lock
from mereo.picture_sizes import MAX_PIXELS
from mereo.retrieval.index_facts import IndexFacts
from mereo.retrieval.photograph_segments import SegmentSource
from mereo.retrieval.segment_index import INDEX_FOLDER, SegmentIndex, is_index
from mereo.retrieval.segment_rows import ImageSegments, image_segments

SECONDS_BETWEEN_COMMITS = 5.0
IMAGES_BETWEEN_COMMITS = 64
# Small files and old versions take more room than rows do, long before the end of a large build.
COMMITS_BETWEEN_TIDYING = 100


@dataclass
class IndexReport:
    """What a build did, by relative path. `copies`: the same bytes as another photograph of the index."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    without_segments: list[str] = field(default_factory=list)


def add_to_index(
    folder: Path,
    paths: Iterable[Path],
    *,
    source: SegmentSource,
    facts: IndexFacts,
    max_pixels: int = MAX_PIXELS,
    too_large: str = MAKE_SMALLER,
    prunes: bool = False,
    on_skip: Callable[[str, str], None] = lambda what, reason: None,
) -> IndexReport:
    """Adds photographs to the index in `folder`, which is made when the first one is read. `prunes`: rows of files that
    are no more there go; `too_large` is the advice about a picture beyond the cap."""
    with folder_lock(folder, INDEX_FOLDER):
        adding = _Adding(folder, source, facts, max_pixels, too_large, on_skip)
        if prunes:
            adding.require_root()
        for path in paths:
            try:
                adding.add(path)
            except BadInput as error:
                adding.report.skipped.append((str(path), str(error)))
                on_skip(str(path), str(error))
        adding.finish(prunes=prunes)
        return adding.report


def content_hash(path: Path) -> str:
    """Of the bytes of a regular file; what cannot be read is told as `read_image` tells it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"an image must be a regular file, but got another kind in {str(path)!r}; name a picture.")
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"an image must be readable, but got {reason} in {str(path)!r}; check its name.") from error


def path_in_index(path: Path, root: Path) -> str:
    """Relative to the indexed folder, as text: bytes of no encoding become escapes, such as `\\udcff`; where a name has
    such letters itself, its backslash does, too."""
    try:
        relative = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    except ValueError:  # Another drive of Windows.
        relative = os.path.realpath(path)
    plain = re.sub(r"\\(?=udc[0-9a-f]{2})", r"\\udc5c", Path(relative).as_posix())
    return plain.encode("utf-8", "backslashreplace").decode("utf-8")


def file_of(image: str, root: Path) -> Path:
    """The file that `path_in_index` named."""

    def named(found: re.Match[str]) -> str:
        byte = int(found.group(1), 16)
        return chr(byte if byte < 128 else 0xDC00 + byte)

    return root / re.sub(r"\\udc([0-9a-f]{2})", named, image)


class _Adding:
    def __init__(
        self,
        folder: Path,
        source: SegmentSource,
        facts: IndexFacts,
        max_pixels: int,
        too_large: str,
        on_skip: Callable[[str, str], None],
    ) -> None:
        self.folder, self.source, self.facts = folder, source, facts
        self.max_pixels, self.too_large = max_pixels, too_large
        self.root = folder / facts.root
        self.report = IndexReport()
        self.index = SegmentIndex.open(folder) if is_index(folder) else None
        if self.index is not None:
            self.index.facts.require_fingerprint(source.fingerprint, folder=folder)
            # Another process may have made it since whoever calls looked.
            self.index.facts.require_root(facts.root, folder=folder)
        self.hash_of_image = {} if self.index is None else self.index.images()
        self.image_of_hash = {found: image for image, found in self.hash_of_image.items()}
        self._in_table = set(self.hash_of_image)
        self._waiting: list[ImageSegments] = []
        self._new_names: dict[str, str] = {}
        self._last_commit, self._num_commits = time.monotonic(), 0

    def require_root(self) -> None:
        if not self.root.is_dir():
            # With the whole folder away (a disk that is not there), every row would go.
            raise BadInput(
                f"the indexed folder must be there to see which files are gone, but got none in {self.root}; "
                "leave out --prune, or bring the folder back."
            )

    def add(self, path: Path) -> None:
        image, found_hash = path_in_index(path, self.root), content_hash(path)
        if self.hash_of_image.get(image) == found_hash:
            self.report.unchanged.append(image)
            return
        other = self.image_of_hash.get(found_hash)
        if other is not None and image not in self.hash_of_image and self._is_known(image, other, found_hash):
            return
        image_HWC = read_image(path, max_pixels=self.max_pixels, advice=self.too_large)
        segments = self.source(image_HWC, name=path.stem)
        taxonomy = self.facts.taxonomy
        rows = image_segments(
            segments,
            image_HWC,
            image=image,
            content_hash=found_hash,
            class_names=tuple(taxonomy.object_names),
            ignore_index=taxonomy.objects.ignore_index,
        )
        self._take(rows)

    def finish(self, *, prunes: bool) -> None:
        self._commit()
        if self.index is not None and prunes:
            self._prune(self.index)
        if self.index is not None:
            self.index.tidy()

    def _prune(self, index: SegmentIndex) -> None:
        """At the end alone: a file that was only renamed has given its rows to its new name by then."""
        self.require_root()
        gone = sorted(image for image in self.hash_of_image if not file_of(image, self.root).is_file())
        index.drop(gone)
        self.report.dropped += gone

    def _is_known(self, image: str, other: str, found_hash: str) -> bool:
        """As a copy of another photograph, or as that other one under a new name. Neither where the other one's file
        holds other bytes by now: names moved on by one place each."""
        file = file_of(other, self.root)
        if file.is_file():
            is_copy = _holds(file, found_hash)
            if is_copy:
                self.report.copies.append((image, other))
            return is_copy
        if other not in self._in_table:
            self._commit()  # Its rows, or its last name, are still waiting.
        self._new_names[other] = image
        self._forget(other)
        self._remember(image, found_hash)
        self.report.moved.append((other, image))
        self._commit_if_due()
        return True

    def _take(self, rows: ImageSegments) -> None:
        if not len(rows):
            self.report.without_segments.append(rows.image)
            self._drop_old_rows(rows.image)
            return
        if self.index is None:
            self.index = SegmentIndex.create(self.folder, self.facts, dimensions=rows.dimensions)
        (self.report.changed if rows.image in self.hash_of_image else self.report.added).append(rows.image)
        self._remember(rows.image, rows.content_hash)
        self._waiting.append(rows)
        self._commit_if_due()

    def _drop_old_rows(self, image: str) -> None:
        """Of a photograph that had segments, and has none as it is now."""
        if self.index is None or image not in self.hash_of_image:
            return
        self._commit()
        self.index.drop([image])
        self._forget(image)
        self._note_commit(self.index)

    def _remember(self, image: str, found_hash: str) -> None:
        self._forget_hash(image)
        self.hash_of_image[image] = found_hash
        self.image_of_hash[found_hash] = image

    def _forget(self, image: str) -> None:
        self._forget_hash(image)
        del self.hash_of_image[image]
        self._in_table.discard(image)

    def _forget_hash(self, image: str) -> None:
        found_hash = self.hash_of_image.get(image, "")
        if self.image_of_hash.get(found_hash) == image:  # Another photograph may have taken these bytes over.
            del self.image_of_hash[found_hash]

    def _commit_if_due(self) -> None:
        is_time = time.monotonic() - self._last_commit >= SECONDS_BETWEEN_COMMITS
        if is_time or len(self._waiting) + len(self._new_names) >= IMAGES_BETWEEN_COMMITS:
            self._commit()

    def _commit(self) -> None:
        """New names first: a file may have come anew under a name that another one gave up."""
        self._last_commit = time.monotonic()
        if self.index is None:
            return
        if self._new_names:
            self.index.store_under(self._new_names)
            self._in_table |= set(self._new_names.values())
            self._new_names = {}
            self._note_commit(self.index)
        if self._waiting:
            self.index.put(self._waiting, present=self._in_table)
            self._in_table |= {rows.image for rows in self._waiting}
            self._waiting = []
            self._note_commit(self.index)

    def _note_commit(self, index: SegmentIndex) -> None:
        self._num_commits += 1
        if self._num_commits % COMMITS_BETWEEN_TIDYING == 0:
            index.tidy()


def _holds(path: Path, wanted_hash: str) -> bool:
    try:
        return content_hash(path) == wanted_hash
    except BadInput:  # Not to be read: nothing speaks for it.
        return False
