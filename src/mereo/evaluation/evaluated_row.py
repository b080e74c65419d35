"""A row of its own for a run that was measured in another way: its record and recipe beside the new evaluation.

With other settings, or with a detector beside it, the same weights fill another row of a results table. What they cost
is what all networks cost together.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mereo.atomic_files import write_json, write_text
from mereo.errors import BadInput
from mereo.evaluation.measures_file import read_json
from mereo.run_files import RECIPE_FILE, RUN_FILE


def require_run_for_row(run: Path, out: Path) -> None:
    """That `run` can lend its record to `out`; asked before anything is measured."""
    missing = [name for name in (RECIPE_FILE, RUN_FILE) if not (run / name).is_file()]
    if missing:
        raise BadInput(
            f"a row must be of a run folder, but got no {' and no '.join(missing)} in {run}; train it with mereo train."
        )
    if run.resolve() == out.resolve():
        raise BadInput(
            f"a row must have a folder of its own, but got the run's own in {out}; name another one, or leave the "
            "row's name out."
        )


def write_row(run: Path, out: Path, *, row: str, command: str, others: Sequence[Path] = ()) -> None:
    """`run.json` and `recipe.yaml` of `run` into `out`, as `row`. `others` are runs of networks that stand beside it:
    their commands, training times and weights are added."""
    require_run_for_row(run, out)
    facts, of_others = _facts_of(run), [_facts_of(other) for other in others]
    commands = [str(one["command"]) for one in (facts, *of_others) if one.get("command")]
    for key in ("wall_seconds", "parameters"):
        known = [one[key] for one in (facts, *of_others) if isinstance(one.get(key), int | float)]
        facts[key] = sum(known) if len(known) == 1 + len(of_others) else None
    if facts["wall_seconds"] is None:
        raise BadInput(f"{RUN_FILE} must say how long each training took, but one of them does not; train it again.")
    recipe_folder = facts.get("recipe_folder")
    if isinstance(recipe_folder, str):
        facts["recipe_folder"] = os.path.relpath((run / recipe_folder).resolve(), out.resolve())
    write_json(out / RUN_FILE, facts | {"row": row, "command": "; ".join([*commands, command])})
    write_text(out / RECIPE_FILE, (run / RECIPE_FILE).read_text(encoding="utf-8"))


def _facts_of(run: Path) -> dict[str, Any]:
    path = (run if run.is_dir() else run.parent) / RUN_FILE
    facts = read_json(path, advice="train again")
    if not isinstance(facts, dict):
        raise BadInput(f"{path} must hold a mapping of facts, but got {type(facts).__name__}; train again.")
    return facts
