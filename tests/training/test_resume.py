"""Interrupted and resumed, a run ends byte-equal to the unbroken one. Kills and signals: tests/faults."""

import shutil
from pathlib import Path

import pytest
from small_run import small_recipe, write_recipe

from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe


def run(recipe: Path, out: Path, *overrides: str, is_resumed: bool = False) -> None:
    run_recipe(load_recipe(recipe, overrides), recipe_folder=recipe.parent, out=out, is_resumed=is_resumed)


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in ("metrics.jsonl", "last.safetensors", "per_image.csv")}


class Killed(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 3, 5])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resumed_run_is_byte_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int, optimizer: str
) -> None:
    recipe = write_recipe(tmp_path, small_recipe(optimizer={"kind": optimizer}, ema_decay=0.9))
    run(recipe, tmp_path / "whole")

    from mereo.training import loop

    def kill_at_step(self: object, step: int, values: dict[str, float]) -> None:
        original(self, step, values)
        if step == stop_at:
            raise Killed

    original = loop.RunFolder.write_metrics
    with monkeypatch.context() as patch:
        patch.setattr(loop.RunFolder, "write_metrics", kill_at_step)
        with pytest.raises(Killed):
            run(recipe, tmp_path / "broken")
    run(recipe, tmp_path / "broken", is_resumed=True)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


def test_workers_change_nothing(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=4))
    run(recipe, tmp_path / "alone")
    run(recipe, tmp_path / "workers", "training.num_workers=2")
    assert contents(tmp_path / "alone") == contents(tmp_path / "workers")


def test_resume_refuses_another_recipe(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    run(recipe, tmp_path / "run")
    from mereo.errors import BadInput

    with pytest.raises(BadInput, match=r"must keep its recipe, but got changes at training\.batch_size"):
        run(recipe, tmp_path / "run", "training.batch_size=2", is_resumed=True)
    with pytest.raises(BadInput, match="run folder must be new"):
        run(recipe, tmp_path / "run")
    with pytest.raises(BadInput, match="--resume must find a run"):
        run(recipe, tmp_path / "nowhere", is_resumed=True)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "manifest gone"])
def test_a_broken_newest_checkpoint_costs_only_its_steps(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """Falls back, says so, and still ends byte-equal; the broken one is put aside and never tried again."""
    recipe = write_recipe(tmp_path, small_recipe(steps=8, checkpoint_every=3))
    run(recipe, tmp_path / "whole")
    broken = tmp_path / "broken"
    shutil.copytree(tmp_path / "whole", broken)
    for name in ("last.safetensors", "per_image.csv"):
        (broken / name).unlink()
    newest = broken / "checkpoints" / "step_00000008"
    state = newest / "state.safetensors"
    content = bytearray(state.read_bytes())
    if damage == "manifest gone":
        (newest / "manifest.json").unlink()
    elif damage == "truncated":
        state.write_bytes(content[:-1])
    else:
        content[len(content) // 3] ^= 4
        state.write_bytes(content)
    with caplog.at_level("WARNING", logger="mereo"):
        run(recipe, broken, is_resumed=True)
    assert "step_00000008. Falling back to the checkpoint before it." in caplog.text
    assert contents(broken) == contents(tmp_path / "whole")
    names = sorted(path.name for path in (broken / "checkpoints").iterdir())
    assert names == ["broken_step_00000008", "step_00000006", "step_00000008"]
    caplog.clear()
    run(recipe, broken, is_resumed=True)
    assert not caplog.text and contents(broken) == contents(tmp_path / "whole")


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    run(recipe, tmp_path / "run")
    unfinished = tmp_path / "run" / "checkpoints" / ".step_00000009.tmp"
    unfinished.mkdir()
    (unfinished / "state.safetensors").write_bytes(b"half")
    (tmp_path / "run" / ".last.safetensors.0123456789ab.tmp").write_bytes(b"half")
    (tmp_path / "run" / ".mine.tmp").write_text("not ours")
    run(recipe, tmp_path / "run", is_resumed=True)
    assert [path.name for path in (tmp_path / "run").rglob("*.tmp")] == [".mine.tmp"]
