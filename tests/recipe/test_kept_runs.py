"""The kept runs under docs/runs, from which docs/results.md is made, lead back to where their recipes lie."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from mereo.recipe.recipe import folder_of_recipe

ROOT = Path(__file__).parents[2]
KEPT = sorted(path.parent for path in (ROOT / "docs" / "runs").glob("*/run.json"))
KEPT_TRANSFERS = sorted(path.parent for path in (ROOT / "docs" / "runs" / "instances").glob("*/run.json"))

KEPT_PYRAMIDS = [kept for kept in KEPT if re.fullmatch("camvid_pyramid_._small_0", kept.name)]


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)
def test_a_kept_run_leads_to_the_recipes(kept: Path) -> None:
    assert folder_of_recipe(kept).resolve() == ROOT / "recipes"


@pytest.mark.parametrize("kept", KEPT_TRANSFERS, ids=lambda path: path.name)
def test_a_kept_transfer_is_a_row_of_its_page(kept: Path) -> None:
    """Box and mask AP in percent, as docs/papers/semantic_global_reasoning.md tells them."""
    assert folder_of_recipe(kept).resolve() == ROOT / "recipes" / "transfer"
    measured = json.loads((kept / "evaluation.json").read_text())
    cell = " / ".join(f"{100 * measured[kind]['ap']:.1f}" for kind in ("boxes", "masks"))
    page = (ROOT / "docs" / "papers" / "semantic_global_reasoning.md").read_text()
    row = {"ImageNet backbone": "ImageNet backbone", "FCN": "FCN", "concept tokens": "FCN with the module"}
    name = row[json.loads((kept / "run.json").read_text())["row"]]
    assert any(line.startswith(f"| {name} |") and cell in line for line in page.splitlines())


@pytest.mark.parametrize("kept", KEPT_PYRAMIDS, ids=lambda path: path.name)
def test_a_kept_pyramid_is_a_row_of_its_page(kept: Path) -> None:
    """mIoU of all pixels and of those near borders, in percent, as docs/papers/specialize_and_fuse.md tells them."""
    row = json.loads((kept / "run.json").read_text())["row"].removeprefix("pyramid ")
    measures = json.loads((kept / "levels.json").read_text())["measures"]
    cells = " | ".join(f"{100 * measures[key]:.2f}" for key in ("mean_iou", "band_mean_iou"))
    page = (ROOT / "docs" / "papers" / "specialize_and_fuse.md").read_text()
    assert any(line.startswith(f"| {row} |") and line.endswith(f"| {cells} |") for line in page.splitlines())


def test_there_are_kept_runs() -> None:
    assert len(KEPT) > 20
    assert len(KEPT_PYRAMIDS) == 9
    assert len(KEPT_TRANSFERS) == 8


def test_keeping_a_run_changes_only_where_its_recipe_lies(tmp_path: Path) -> None:
    """`keep` of tools/train_rows.sh, alone: docs/runs/NAME is one level deeper than runs/NAME."""
    script = (ROOT / "tools" / "train_rows.sh").read_text()
    keep = re.search(r"^keep\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)
    assert keep is not None
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    for name in ("recipe.yaml", "evaluation.json", "per_image.csv"):
        (run / name).write_text(name)
    facts = {"name": "mine", "command": 'mereo train "recipes/mine.yaml"', "recipe_folder": "../../recipes", "steps": 3}
    (run / "run.json").write_text(json.dumps(facts, indent=2) + "\n")
    (run / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2, "score": 0.5}\n')
    subprocess.run(["bash", "-euo", "pipefail", "-c", f"{keep[0]}\nkeep mine"], cwd=tmp_path, check=True, timeout=60)
    kept = tmp_path / "docs" / "runs" / "mine"
    assert folder_of_recipe(kept).resolve() == (tmp_path / "recipes").resolve()
    changed = facts | {"recipe_folder": "../../../recipes"}
    assert (kept / "run.json").read_text() == json.dumps(changed, indent=2) + "\n"
    assert json.loads((run / "run.json").read_text()) == facts
    assert (kept / "scores.jsonl").read_text() == '{"step": 2, "score": 0.5}\n'
    assert (kept / "recipe.yaml").read_text() == "recipe.yaml"
