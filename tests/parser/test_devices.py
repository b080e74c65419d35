"""A device by name: `auto` is one thing for parsing and for training."""

from typing import Any

import pytest
import torch

from mereo.errors import BadEnvironment, BadInput
from mereo.parser.devices import auto_device, require_device
from mereo.recipe.run_start import build_fabric
from mereo.training.settings import TrainingConfig


def machine_with(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def fabric_of(**training: Any) -> Any:
    return build_fabric(TrainingConfig(steps=1, **training))


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(1, True, "cuda"), (0, True, "cpu"), (0, False, "cpu")])
def test_auto_is_cuda_or_else_the_cpu(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, chosen: str) -> None:
    machine_with(monkeypatch, cuda=cuda, mps=mps)
    assert auto_device() == require_device("auto") == torch.device(chosen)


def test_training_chooses_as_parsing_does(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(monkeypatch, mps=True)
    assert fabric_of(device="auto").device == torch.device("cpu")
    asked: list[str] = []
    monkeypatch.setattr("mereo.recipe.run_start.Fabric", lambda accelerator, **others: asked.append(accelerator))
    fabric_of(device="mps")
    machine_with(monkeypatch, cuda=2, mps=True)
    for device in ("auto", "cpu"):
        fabric_of(device=device, num_devices=2)
    assert asked == ["mps", "cuda", "cpu"]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_told_alike(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    machine_with(monkeypatch)
    told = f"device must be present, but got '{name}', which this machine lacks; pass --device cpu."
    for ask in (lambda: require_device(name), lambda: fabric_of(device=name)):
        with pytest.raises(BadEnvironment) as raised:
            ask()
        assert str(raised.value) == told


def test_fewer_devices_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(monkeypatch, cuda=1)
    for device in ("auto", "cuda"):
        with pytest.raises(BadEnvironment, match="all devices must be present, but got 1 of CUDA for 2; pass"):
            fabric_of(device=device, num_devices=2)


def test_names_of_devices() -> None:
    assert require_device("cpu") == torch.device("cpu")
    for name in ("gpu", "", "meta", "cuda:x"):
        with pytest.raises(BadInput, match=f"device must be auto, cpu, cuda or mps, but got '{name}'; choose one"):
            require_device(name)
    with pytest.raises(BadEnvironment, match="device must be present, but got 'cuda:99', which this machine lacks"):
        require_device("cuda:99")
