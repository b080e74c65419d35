"""Tensors of a safetensors file, looked at before anything is built from them, and what the file says of itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from mereo.errors import BadInput

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
KEY = "mereo"


def described_tensors(tensors: Mapping[str, Tensor], content: Mapping[str, Any]) -> bytes:
    """A safetensors file that says `content` of itself, as JSON. Weights must be finite: no reader takes others."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise BadInput(
                f"weights must be finite to be saved, but got NaN or infinity at {name} as {value.dtype}; "
                "save as float32, or train anew with a lower learning rate."
            )
    # One key: safetensors writes several in a random order, and equal content must give equal files.
    return save(dict(tensors), metadata={KEY: json.dumps(content, sort_keys=True)})


def description_of(path: str | Path, *, what: str) -> str:
    """The JSON that `described_tensors` wrote; of a file that says nothing, that of no content."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(KEY, "{}")
    except (SafetensorError, OSError, ValueError) as error:
        raise BadInput(f"{what} must be a safetensors file, but got: {error} in {path}; check the path.") from error


def read_finite_tensors(path: str | Path, *, what: str) -> dict[str, Tensor]:
    """All tensors of the file, finite also as float32, in which networks compute."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{what} must be a whole safetensors file, but got: {error} in {path}; get it anew, or convert it."
        ) from error
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise BadInput(
                f"weights must be finite, but got NaN or infinity at {name[:80]} in {path}; get the file anew."
            )
    return tensors


def as_kind_of(expected: Tensor, value: Tensor, *, name: str, path: str | Path) -> Tensor:
    """The value in the expected precision. Copying would also turn switches and complex numbers into weights."""
    is_float = expected.is_floating_point()
    if (value.dtype in FLOATS) if is_float else (value.dtype == expected.dtype):
        return value.to(expected.dtype)
    kind = "floating-point numbers" if is_float else str(expected.dtype)
    raise BadInput(f"{name} must hold {kind}, but got {value.dtype} in {path}; save it anew.")


def fitted(
    expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor], *, path: str | Path, remedy: str
) -> dict[str, Tensor]:
    """`tensors` in the precision of what is expected under their names; of another shape they are refused."""
    for name, value in tensors.items():
        if value.shape != expected[name].shape:
            raise BadInput(
                f"{name} must have shape {tuple(expected[name].shape)}, but got {tuple(value.shape)} in {path}; "
                f"{remedy}."
            )
    return {name: as_kind_of(expected[name], value, name=name, path=path) for name, value in tensors.items()}
