"""KeptPhotographs: what was parsed lately, under ids that nobody can guess. Whoever was not asked for longest goes."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, fields

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.web.problems import Problem

ID_BYTES = 16


@dataclass(frozen=True, eq=False)
class KeptParse:
    """What one parser says: the parse, the groups that clicks reach, and the answer that was sent."""

    parse: Parse
    groups: GroupedPhotograph
    answer: bytes

    @property
    def num_bytes(self) -> int:
        """Without the photograph, which all parses of it share."""
        own = [getattr(self.parse, one.name) for one in fields(self.parse) if one.name != "image_HWC"]
        own += [self.groups.superpixel_hw, *(level for levels in self.groups.groups.values() for level in levels)]
        return len(self.answer) + sum(one.nbytes for one in own if isinstance(one, np.ndarray))


@dataclass(eq=False)
class KeptPhotograph:
    id: str
    name: str
    image_HWC: np.ndarray
    parses: dict[str, KeptParse] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        return self.image_HWC.nbytes + sum(one.num_bytes for one in self.parses.values())


class KeptPhotographs:
    """At most `most` of them in at most `most_bytes`; the newest is kept whatever its size."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self._kept: OrderedDict[str, KeptPhotograph] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def num_bytes(self) -> int:
        with self._lock:
            return sum(one.num_bytes for one in self._kept.values())

    def add(self, name: str, image_HWC: np.ndarray, parser: str, parse: KeptParse, *, id: str) -> None:
        """`id` is one of `new_id`, or that of a photograph that is kept."""
        with self._lock:
            kept = self._kept.get(id) or KeptPhotograph(id, name, image_HWC)
            kept.parses[parser] = parse
            self._kept[id] = kept
            self._kept.move_to_end(id)
            total = sum(one.num_bytes for one in self._kept.values())
            while len(self._kept) > 1 and (len(self._kept) > self.most or total > self.most_bytes):
                total -= self._kept.popitem(last=False)[1].num_bytes

    def get(self, id: str) -> KeptPhotograph:
        with self._lock:
            kept = self._kept.get(id)
            if kept is None:
                raise Problem(
                    404, f"photograph must be one that is still kept, but got {id!r:.80}; send the picture again."
                )
            self._kept.move_to_end(id)
            return kept

    def parse_of(self, id: str, parser: str) -> KeptParse:
        parse = self.get(id).parses.get(parser)
        if parse is None:
            raise Problem(
                404,
                f"photograph must have been parsed by {parser!r:.80}, but got one that was not; "
                "ask /v1/parse with photograph and parser first.",
            )
        return parse


def new_id() -> str:
    return secrets.token_urlsafe(ID_BYTES)
