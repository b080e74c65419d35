"""A timm model's weights from a safetensors file, read with care, and the proof that the network took them all."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.tensor_files import as_kind_of, read_finite_tensors


def read_backbone_weights(path: str | Path) -> dict[str, Tensor]:
    if not os.path.isfile(path):
        raise BadInput(f"backbone weights must be 'hub' or a safetensors file, but got {str(path)!r}; check the path.")
    return read_finite_tensors(path, what="backbone weights")


def require_all_taken(
    state: Mapping[str, Tensor], tensors: Mapping[str, Tensor], *, name: str, path: str | Path
) -> None:
    """Every tensor of the network must come from the file.

    timm leaves out what it does not find without a word: a ResNet-34 takes half of its weights from a ResNet-18, a
    ViT none at all. Its feature networks write `stages_0` for `stages.0` and `model.` before a wrapped network. Older
    files that timm renames while loading are told by their values.
    """
    in_file = {_flat(key): key for key in tensors}
    for key, value in state.items():
        if _flat(key) in in_file:
            as_kind_of(value, tensors[in_file[_flat(key)]], name=key, path=path)
    missing = [
        key
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
        and _flat(key) not in in_file
        and not any(
            other.shape == value.shape and torch.equal(other.to(value.dtype), value) for other in tensors.values()
        )
    ]
    if missing:
        raise BadInput(
            f"backbone weights must fit {name}, but got none for {len(missing)} of its {len(state)} tensors "
            f"({', '.join(missing[:3])}) in {path}; pass the weights of this timm model."
        )


def _flat(key: str) -> str:
    return key.removeprefix("model.").replace(".", "_")
