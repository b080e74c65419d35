"""Several processes lose, task by task, what one loses; a task that no process has labels for is in no row."""

import json
from pathlib import Path
from typing import Any

import pytest
from warm_process import WarmProcess

from mereo.strict_yaml import dump_yaml

pytestmark = pytest.mark.slow


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("only", [[], ["heads.0"]], ids=["everything", "the head alone"])
def test_each_term_is_that_of_the_whole_batch(warm: WarmProcess, tmp_path: Path, only: list[str]) -> None:
    """Three images on two processes; objects with parts fall on them as they happen to."""
    recipe = {
        "name": "tasks",
        "train_data": {"format": "drawn_scenes", "count": 6, "size": [40, 56]},
        "augmentation": {"crop": [40, 56], "scale": [0.8, 1.25]},
        "parser": {"backbone": {"name": "test_efficientnet"}, "heads": [{"head": "perceptual", "width": 8}]},
        "losses": [{"loss": "perceptual"}],
        "training": {"steps": 4, "batch_size": 3, "num_workers": 0, "device": "cpu", "num_threads": 1, "only": only}
        | {"optimizer": {"kind": "sgd", "learning_rate": 0.002}},
    }
    (tmp_path / "recipe.yaml").write_text(dump_yaml(recipe))
    alone = warm.run("train", tmp_path / "recipe.yaml", "--out", tmp_path / "one")
    assert alone.code == 0, alone.errors()
    ranks = warm.start_ranks("train", tmp_path / "recipe.yaml", "--out", tmp_path / "several", setups=[""] * 2)
    assert [rank.wait() for rank in ranks] == [0, 0], [rank.errors() for rank in ranks]
    for one, several in zip(rows(tmp_path / "one"), rows(tmp_path / "several"), strict=True):
        assert one.keys() == several.keys() and "perceptual_textures" not in one
        for name in ("loss", "perceptual_objects", "perceptual_parts", "perceptual_materials", "perceptual_scenes"):
            assert several[name] == pytest.approx(one[name], abs=1e-5), (one["step"], name)
