"""What was measured, read back from the JSON beside an evaluation: one way for every kind of measure."""

import json
from pathlib import Path

from mereo.errors import BadInput
from mereo.strict_yaml import Model, validated


def read_measures(path: Path, model: type[Model]) -> Model | None:
    """None if there is no such file: nobody measured that."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} must be readable JSON, but got: {error}; evaluate again.") from error
    return validated(model, content, source=str(path))
