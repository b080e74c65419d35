"""JSON of labels, read once and strictly: what two readers would understand differently is an error."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from mereo.errors import BadInput

# Half of a surrogate pair can be written in JSON, but in no file name, page or YAML.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str, *, what: str, path: Path) -> Any:
    try:
        content = json.loads(text, object_pairs_hook=_without_repeats)
        if _ESCAPED_SURROGATE.search(text):
            _require_whole_letters(content)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{what} must be JSON, but got {error} in {path}; save or copy it again.") from error
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"key {repeated!r:.80} twice")
    return content


def _require_whole_letters(content: Any) -> None:
    if isinstance(content, str):
        content.encode("utf-8")
    elif isinstance(content, dict):
        for key, value in content.items():
            _require_whole_letters(key)
            _require_whole_letters(value)
    elif isinstance(content, list):
        for value in content:
            _require_whole_letters(value)
