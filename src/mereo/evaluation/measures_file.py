"""What was measured, as JSON beside an evaluation: one way to write, read and check it for every kind of measure."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mereo.errors import BadInput
from mereo.strict_yaml import Model, validated


def or_none(value: float) -> float | None:
    """None, which is "n/a", for NaN."""
    return None if math.isnan(value) else float(value)


def one_line_an_entry(content: Mapping[str, Any], *, has_line_a_row: bool = False) -> str:
    """JSON that people can read and compare: counts of a hundred classes fill one line, not hundreds.

    With `has_line_a_row`, a list of rows or of mappings has one line for each of them.
    """
    entries = []
    for key, value in content.items():
        if has_line_a_row and isinstance(value, list) and value and isinstance(value[0], list | dict):
            text = "[\n" + ",\n".join(f"    {_in_one_line(row)}" for row in value) + "\n  ]"
        else:
            text = _in_one_line(value)
        entries.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def read_json(path: Path, *, advice: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} must be readable JSON, but got: {error}; {advice}.") from error


def read_measures(path: Path, model: type[Model]) -> Model | None:
    """None if there is no such file: nobody measured that."""
    if not path.is_file():
        return None
    return validated(model, read_json(path, advice="evaluate again"), source=str(path))


def agree(stored: Any, counted: Any) -> bool:
    """Equal but for the last digits, which another machine may add up in another order."""
    if isinstance(counted, dict):
        is_like = isinstance(stored, dict) and stored.keys() == counted.keys()
        return is_like and all(agree(stored[key], value) for key, value in counted.items())
    if isinstance(counted, list):
        is_like = isinstance(stored, list) and len(stored) == len(counted)
        return is_like and all(map(agree, stored, counted))
    if isinstance(counted, float) and isinstance(stored, float | int):
        return math.isclose(stored, counted, abs_tol=1e-12)
    return bool(stored == counted)


def _in_one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
