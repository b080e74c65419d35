"""Killed anywhere, at random moments and at every single file operation of a step that saves: what is left can be read
and gone on with, and the end is byte-equal to the run that nobody disturbed."""

import shutil
from pathlib import Path

import pytest
from killed_runs import NO_SYNC, contents, kill_again_and_again, require_readable, unbroken
from small_run import small_recipe, write_recipe, write_rectangles
from warm_process import WarmProcess

pytestmark = pytest.mark.slow


def test_twenty_kills_at_random_moments(warm: WarmProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`make soak` has five hundred."""
    content = small_recipe(steps=30, batch_size=1, checkpoint_every=1, ema_decay=0.9, evaluate_every=12)
    recipe = write_recipe(tmp_path, content)
    kill_again_and_again(warm, recipe, unbroken(warm, recipe), tmp_path, caplog, num_kills=20)


def finished_files(state: Path) -> frozenset[tuple[str, bytes]]:
    """The files of a run folder without temporary ones, which only have to go."""
    paths = [path for path in state.rglob("*") if path.is_file() and not path.name.startswith("events")]
    relative = {path.relative_to(state): path for path in paths}
    return frozenset(
        (str(name), path.read_bytes())
        for name, path in relative.items()
        if not any(part.startswith(".") for part in name.parts)
    )


def test_killed_at_every_operation_from_the_last_saving_to_the_end(
    warm: WarmProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Between rename and manifest, while old checkpoints go, in the parser file, in the evaluation: everywhere."""
    write_rectangles(tmp_path / "data", count=2)
    recipe = write_recipe(tmp_path, small_recipe(steps=2, batch_size=1, checkpoint_every=1))
    run, states, ends = tmp_path / "run", tmp_path / "states", tmp_path / "ends"
    states.mkdir()
    ends.mkdir()
    places = f"Path({str(run)!r}), Path({str(states)!r})"
    start = f"{NO_SYNC}\nfrom pathlib import Path\nimport fork_in_place\nfork_in_place."
    killing = warm.run("train", recipe, "--out", run, setup=f"{start}kill_at_each_operation({places}, last_step=2)")
    assert killing.code == 0, killing.errors()
    assert (tmp_path / "through_0").is_dir(), [path.name for path in tmp_path.iterdir()]
    whole = contents(tmp_path / "through_0")
    found = sorted(states.iterdir())
    assert len(found) > 60
    kinds = set()
    for state in found:
        require_readable(state, caplog)
        kinds |= {path.name.split(".")[1][:4] for path in state.rglob(".*")}
    assert {"step", "stat", "mani", "last", "per_", "eval", "run"} <= kinds, kinds  # Temporary files of all of them.
    different = {finished_files(state): state for state in found}  # The last of each kind: the most is left over there.
    for state in set(found) - set(different.values()):
        shutil.rmtree(state)
    found = sorted(different.values())
    assert len(found) > 10
    resuming = warm.run(
        "train", run, "--resume", setup=f"{start}resume_from_each({places}, Path({str(ends)!r}))", timeout=120
    )
    assert resuming.code == 0, resuming.errors()
    assert sorted(path.name for path in ends.iterdir()) == [f"{state.name}_0" for state in found], resuming.errors()
    for end in ends.iterdir():
        assert contents(end) == whole, end.name
        assert not [path.name for path in end.rglob("*") if path.name.endswith(".tmp")], end.name
