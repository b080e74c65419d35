import json
import logging
from pathlib import Path

import pytest
import torch

from mereo.errors import BadEnvironment, BadInput
from mereo.training import checkpoint as module
from mereo.training.checkpoint import (
    Checkpoint,
    checkpoint_folders,
    flat_optimizer_state,
    load_newest_checkpoint,
    restore_optimizer_state,
    save_checkpoint,
    set_aside_after,
)


def saved(folder: Path, *steps: int, keep_last: int = 3) -> None:
    for step in steps:
        content = Checkpoint(step, {"weight": torch.full((3,), float(step))}, {"skipped_steps": step})
        save_checkpoint(folder, content, keep_last=keep_last)


def test_round_trip_and_last_k(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 10, 11, keep_last=2)
    assert [path.name for path in checkpoint_folders(tmp_path)] == ["step_00000011", "step_00000010"]
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None and newest.step == 11 and newest.numbers == {"skipped_steps": 11}
    assert newest.tensors["weight"].tolist() == [11, 11, 11]


def test_none_yet(tmp_path: Path) -> None:
    assert load_newest_checkpoint(tmp_path / "checkpoints") is None


@pytest.mark.parametrize("name", ["state.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone"])
def test_a_broken_newest_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    saved(tmp_path, 1, 2)
    file = tmp_path / "step_00000002" / name
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="mereo"):
        newest = load_newest_checkpoint(tmp_path)
    assert newest is not None and newest.step == 1
    assert "Falling back" in caplog.text and "step_00000002" in caplog.text


def test_a_broken_newest_never_costs_a_good_one(tmp_path: Path) -> None:
    """With keep_last 1 and a kill between saving and removing, 2 is there beside 1; then 2 breaks, and 1 goes on."""
    saved(tmp_path, 1, 3)
    (tmp_path / "step_00000003" / "manifest.json").unlink()
    assert load_newest_checkpoint(tmp_path) is not None
    set_aside_after(tmp_path, 1)
    saved(tmp_path, 2, keep_last=1)  # A signal stops the run before step 3 is reached again.
    assert [path.name for path in checkpoint_folders(tmp_path)] == ["step_00000002"]
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None and newest.step == 2
    assert (tmp_path / "broken_step_00000003").is_dir()


def test_steps_are_ordered_as_numbers(tmp_path: Path) -> None:
    saved(tmp_path, 99_999_999, 100_000_000)
    (tmp_path / "step_notes").mkdir()
    assert [path.name for path in checkpoint_folders(tmp_path)] == ["step_100000000", "step_99999999"]


def test_all_broken_is_an_error(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (tmp_path / "step_00000001" / "state.json").write_text("{")
    with pytest.raises(BadInput, match=r"one checkpoint must be whole, but got only broken ones \(step_00000001\)"):
        load_newest_checkpoint(tmp_path)


def test_a_failing_write_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, 1)
    monkeypatch.setattr(
        module.os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(BadEnvironment, match="must be writable, but got"):
        saved(tmp_path, 2)
    monkeypatch.undo()
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None and newest.step == 1
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001"]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_optimizer_state_round_trip(kind: type[torch.optim.Optimizer]) -> None:
    def stepped(parameter: torch.nn.Parameter, optimizer: torch.optim.Optimizer, times: int) -> None:
        for number in range(times):
            parameter.grad = torch.full_like(parameter, 0.1 * (number + 1))
            optimizer.step()

    options = {"lr": 0.1, "momentum": 0.9} if kind is torch.optim.SGD else {"lr": 0.1}
    first = torch.nn.Parameter(torch.ones(4))
    first_optimizer = kind([first], **options)
    stepped(first, first_optimizer, 3)
    second = torch.nn.Parameter(first.detach().clone())
    second_optimizer = kind([second], **options)
    restore_optimizer_state(second_optimizer, flat_optimizer_state(first_optimizer))
    stepped(first, first_optimizer, 2)
    stepped(second, second_optimizer, 2)
    assert torch.equal(first, second)
    assert json.dumps(sorted(flat_optimizer_state(first_optimizer))) == json.dumps(
        sorted(flat_optimizer_state(second_optimizer))
    )
