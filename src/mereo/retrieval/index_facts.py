"""What an index says of itself: JSON in the table's metadata, so that it cannot part from the rows."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mereo.data.json_reading import parse_json
from mereo.data.taxonomy import Taxonomy
from mereo.data.taxonomy_file import taxonomy_from_dict, taxonomy_to_dict
from mereo.errors import BadInput
from mereo.version import VERSION

FORMAT = "mereo-index-1"
METADATA_KEY = b"mereo"


@dataclass(frozen=True)
class IndexFacts:
    """`parser` is what the vectors came from, as it was named; `root` the indexed folder, relative to the index.

    `settings` are those of the source of vectors: whoever asks the index must use the same.
    """

    fingerprint: str
    parser: str
    root: str
    taxonomy: Taxonomy
    settings: dict[str, Any]

    def to_metadata(self) -> dict[bytes, bytes]:
        content = {
            "format": FORMAT,
            "mereo_version": VERSION,
            "fingerprint": self.fingerprint,
            "parser": self.parser,
            "root": self.root,
            "taxonomy": taxonomy_to_dict(self.taxonomy),
            "settings": self.settings,
        }
        return {METADATA_KEY: json.dumps(content, sort_keys=True).encode()}

    @classmethod
    def from_metadata(cls, metadata: dict[bytes, bytes] | None, *, folder: Path) -> "IndexFacts":
        text = (metadata or {}).get(METADATA_KEY, b"{}").decode("utf-8", "replace")
        content = parse_json(text, what="the metadata of an index", path=folder)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise BadInput(
                f"an index must be one that Mereo built ({FORMAT}), but got another table in {folder}; check the path."
            )
        words = [content.get(key) for key in ("fingerprint", "parser", "root")]
        if not all(isinstance(word, str) for word in words) or not isinstance(content.get("settings"), dict):
            raise BadInput(
                f"the metadata of an index must name its parser, folder and settings, but got {sorted(content)} in "
                f"{folder}; build the index anew."
            )
        taxonomy = taxonomy_from_dict(content.get("taxonomy"), source=f"the taxonomy in {folder}")
        fingerprint, parser, root = words
        return cls(str(fingerprint), str(parser), str(root), taxonomy, content["settings"])

    def require_fingerprint(self, fingerprint: str, *, folder: Path) -> None:
        if fingerprint != self.fingerprint:
            raise BadInput(
                f"vectors must come from the index's own parser ({self.parser}, fingerprint {self.fingerprint[:12]}), "
                f"but got others ({fingerprint[:12]}) for {folder}; pass that parser with --parser, or build another "
                "index (this one may be of another version of Mereo)."
            )

    def require_root(self, root: str, *, folder: Path) -> None:
        """`root` relative to the index, as `relative_root` gives it."""
        if os.path.realpath(folder / self.root) != os.path.realpath(folder / root):
            raise BadInput(
                f"an index must be of one folder, but got {folder / root} for that of {self.root} in {folder}; add to "
                "it with `mereo index add`, or choose another --out."
            )


def relative_root(index: Path, folder: Path) -> str:
    """From the index to the indexed folder: both can be moved together. Another drive has no such path."""
    try:
        return Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(index))).as_posix()
    except ValueError:
        return Path(os.path.realpath(folder)).as_posix()
