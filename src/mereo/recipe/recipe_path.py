"""Which file a recipe is in. Without torch, so that a mistyped name is told at once."""

import os
from pathlib import Path

from mereo.errors import BadInput
from mereo.run_files import RECIPE_FILE


def recipe_file(path: str | Path) -> Path:
    return Path(path) / RECIPE_FILE if os.path.isdir(path) else Path(path)


def existing_recipe_file(path: str | Path) -> Path:
    file = recipe_file(path)
    if not os.path.isfile(file):
        raise BadInput(
            f"recipe must be a YAML file or a run folder, but got {str(Path(path))!r:.300}; see recipes/ for examples."
        )
    return file
