"""Names for output files: from any image name to one that every file system takes, and that is given once only."""

import re
import unicodedata

MAX_BYTES = 120
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028\u2029]|[\ud800-\udfff]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def safe_stem(name: str) -> str:
    """A file name's stem without folders, control characters and what some system forbids; at most 120 bytes.

    >>> safe_stem("../../etc/passwd"), safe_stem("a\\nb?.jpg"), safe_stem("Straße"), safe_stem(".."), safe_stem("con")
    ('passwd', 'a_b_.jpg', 'Straße', 'image', '_con')
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    stem = FORBIDDEN.sub("_", last).strip(" .")
    # Cut between letters, not within one; 120 bytes leave room for suffixes below the usual 255.
    stem = stem.encode("utf-8")[:MAX_BYTES].decode("utf-8", "ignore").strip(" .")
    if RESERVED.match(stem):
        stem = f"_{stem}"
    return stem or "image"


class UniqueStems:
    """Hands out each stem once, also where the file system ignores case.

    >>> stems = UniqueStems()
    >>> stems.take("a"), stems.take("A"), stems.take("a-2"), stems.take("a")
    ('a', 'A-2', 'a-2-2', 'a-3')
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next_number: dict[str, int] = {}

    def take(self, name: str) -> str:
        stem = safe_stem(name)
        key = stem.casefold()
        number, candidate = self._next_number.get(key, 2), stem
        while candidate.casefold() in self._taken:
            candidate, number = f"{stem}-{number}", number + 1
        self._next_number[key] = number
        self._taken.add(candidate.casefold())
        return candidate
