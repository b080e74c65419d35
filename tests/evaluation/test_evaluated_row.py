"""A run measured in another way becomes a row of its own: its record, its recipe, what the networks cost together."""

import json
from pathlib import Path

import pytest

from mereo.errors import BadInput
from mereo.evaluation.evaluated_row import require_run_for_row, write_row


def made_run(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    record = {"name": "a", "row": "A", "command": f"mereo train {folder.name}.yaml", "wall_seconds": 60.0}
    record |= {"parameters": 10, "recipe_folder": "../../recipes", "seed": 3}
    (folder / "run.json").write_text(json.dumps(record | changes), encoding="utf-8")
    (folder / "recipe.yaml").write_text("name: a\n", encoding="utf-8")
    return folder


def test_what_the_networks_cost_together(tmp_path: Path) -> None:
    semantic = made_run(tmp_path / "runs" / "semantic")
    detector = made_run(tmp_path / "runs" / "detector", parameters=7, wall_seconds=30.5)
    out = tmp_path / "elsewhere" / "deep" / "row"
    write_row(semantic, out, row="two branches", command="mereo evaluate runs/semantic", others=[detector])
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["row"] == "two branches" and facts["seed"] == 3 and facts["name"] == "a"
    assert facts["wall_seconds"] == 90.5 and facts["parameters"] == 17
    assert facts["command"] == "mereo train semantic.yaml; mereo train detector.yaml; mereo evaluate runs/semantic"
    # The recipe's folder is told from where the record lies.
    assert (out / facts["recipe_folder"]).resolve() == (tmp_path / "recipes").resolve()
    assert (out / "recipe.yaml").read_text(encoding="utf-8") == "name: a\n"


def test_a_detector_is_named_by_its_file_too(tmp_path: Path) -> None:
    semantic, detector = made_run(tmp_path / "semantic"), made_run(tmp_path / "detector", parameters=None)
    write_row(semantic, tmp_path / "out", row="x", command="c", others=[detector / "last.safetensors"])
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert facts["wall_seconds"] == 120 and facts["parameters"] is None


def test_what_is_refused(tmp_path: Path) -> None:
    run, out = made_run(tmp_path / "run"), tmp_path / "out"
    with pytest.raises(BadInput, match="a row must have a folder of its own, but got the run's own"):
        require_run_for_row(run, run)
    with pytest.raises(BadInput, match=r"a row must be of a run folder, but got no recipe.yaml and no run.json"):
        require_run_for_row(tmp_path / "nowhere", out)
    with pytest.raises(BadInput, match="must say how long each training took, but one of them does not"):
        write_row(run, out, row="x", command="c", others=[made_run(tmp_path / "timeless", wall_seconds=None)])
    (run / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match=r"run.json must be readable JSON"):
        write_row(run, out, row="x", command="c")
    (run / "run.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(BadInput, match=r"run.json must hold a mapping of facts, but got list"):
        write_row(run, out, row="x", command="c")
