"""Tensors from files: finite in float32, and of the kind that the network expects."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mereo.errors import BadInput
from mereo.features.tensor_files import as_kind_of, read_finite_tensors


def test_sound_tensors_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3).half(), "b": torch.arange(3), "c": torch.full((2,), 1e38), "d": torch.zeros(0)}
    save_file(tensors, tmp_path / "a.safetensors")
    read = read_finite_tensors(tmp_path / "a.safetensors", what="a test")
    assert read.keys() == tensors.keys() and all(torch.equal(read[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([1.0, torch.nan]),
        torch.tensor([torch.inf]).half(),
        torch.tensor([-torch.inf]).bfloat16(),
        torch.tensor([1e39], dtype=torch.float64),
    ],
)
def test_what_is_not_finite_is_named(value: torch.Tensor, tmp_path: Path) -> None:
    save_file({"fine": torch.ones(1), "layer.weight": value}, tmp_path / "a.safetensors")
    with pytest.raises(BadInput, match="NaN or infinity at layer.weight in .*a.safetensors; get the file anew"):
        read_finite_tensors(tmp_path / "a.safetensors", what="a test")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no")
    for name in ("a", "none"):
        with pytest.raises(BadInput, match=f"a test must be a whole safetensors file, but got: .* in .*{name}; get it"):
            read_finite_tensors(tmp_path / name, what="a test")


def test_kinds() -> None:
    weight, counter = torch.zeros(2), torch.zeros((), dtype=torch.int64)
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        taken = as_kind_of(weight, torch.ones(2, dtype=dtype), name="w", path="a")
        assert taken.dtype == torch.float32 and torch.equal(taken, torch.ones(2))
    assert as_kind_of(counter, torch.tensor(3), name="n", path="a") == 3
    for dtype in (torch.int64, torch.uint8, torch.bool, torch.complex64, torch.float8_e5m2):
        with pytest.raises(BadInput, match=f"w must hold floating-point numbers, but got {dtype} in a; save it anew"):
            as_kind_of(weight, torch.ones(2).to(dtype), name="w", path="a")
    with pytest.raises(BadInput, match="n must hold torch.int64, but got torch.float32 in a"):
        as_kind_of(counter, torch.ones(()), name="n", path="a")
