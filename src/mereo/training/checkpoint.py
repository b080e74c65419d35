"""Checkpoints: one folder a step, written beside and renamed, with a manifest of hashes. No pickle.

checkpoints/step_00000100/{state.safetensors, state.json, manifest.json}
"""

import hashlib
import json
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mereo.atomic_files import sync_folder, write_bytes
from mereo.errors import BadEnvironment, BadInput

LOG = logging.getLogger("mereo")


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` holds every weight and optimiser moment by name, `numbers` everything else, as plain JSON."""

    step: int
    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, keep_last: int) -> Path:
    """Writes step_N beside its place, then renames it there; afterwards removes all but the newest `keep_last`."""
    final = folder / f"step_{checkpoint.step:08d}"
    unfinished = folder / f".{final.name}.tmp"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in checkpoint.tensors.items()}, unfinished / "state.safetensors"
        )
        with open(unfinished / "state.safetensors", "r+b") as file:  # Windows syncs only what is open for writing.
            os.fsync(file.fileno())
        write_bytes(unfinished / "state.json", json.dumps({"step": checkpoint.step, **checkpoint.numbers}).encode())
        manifest = {name: _hash(unfinished / name) for name in ("state.safetensors", "state.json")}
        write_bytes(unfinished / "manifest.json", json.dumps(manifest).encode())
        if final.exists():
            replaced = folder / f".{final.name}.old.tmp"
            shutil.rmtree(replaced, ignore_errors=True)
            os.replace(final, replaced)  # Whole until the new one stands.
        os.replace(unfinished, final)
        sync_folder(folder)  # Before older ones go.
    except (OSError, SafetensorError, BadEnvironment) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BadEnvironment(
            f"checkpoint {final} must be writable, but got: {error}; free space or choose another run folder."
        ) from error
    for old in [*folder.glob(".step_*.old.tmp"), *checkpoint_folders(folder)[keep_last:]]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def checkpoint_folders(folder: Path) -> list[Path]:
    """Finished checkpoints, newest first."""
    found = [path for path in folder.glob("step_*") if path.is_dir() and path.name.removeprefix("step_").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step_")), reverse=True)


def set_aside_after(folder: Path, step: int) -> None:
    """Checkpoints of later steps were refused as broken, and those steps are made again: never to be loaded by chance.

    What a kill left unfinished goes as well.
    """
    for path in checkpoint_folders(folder):
        if int(path.name.removeprefix("step_")) > step:
            aside = path.with_name(f"broken_{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(OSError):  # Where nothing can be renamed, nothing can be saved either: that error follows.
                os.replace(path, aside)
    for path in folder.glob(".step_*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def load_newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint whose hashes agree; a broken one is named and the one before it taken."""
    candidates = checkpoint_folders(folder)
    for candidate in candidates:
        try:
            return _load(candidate)
        except BadInput as error:
            LOG.warning("%s Falling back to the checkpoint before it.", error)
    if candidates:
        raise BadInput(
            f"one checkpoint must be whole, but got only broken ones "
            f"({', '.join(candidate.name for candidate in candidates)}) in {folder}; start the run anew."
        )
    return None


def _load(folder: Path) -> Checkpoint:
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        for name in ("state.safetensors", "state.json"):
            if _hash(folder / name) != manifest[name]:
                raise BadInput(f"checkpoint must agree with its manifest, but got another hash for {name} in {folder}.")
        numbers = json.loads((folder / "state.json").read_text())
        return Checkpoint(step=numbers.pop("step"), tensors=load_file(folder / "state.safetensors"), numbers=numbers)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"checkpoint must be readable, but got: {error} in {folder}.") from error


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flat_optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """`optimizer.<parameter number>.<moment>` -> tensor. The groups' settings come from the recipe, not from here."""
    flat = {}
    for number, moments in optimizer.state_dict()["state"].items():
        for moment, value in moments.items():
            if value is not None:
                flat[f"optimizer.{number}.{moment}"] = torch.as_tensor(value)
    return flat


def restore_optimizer_state(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, moment = name.split(".", 2)
            state.setdefault(int(number), {})[moment] = tensor.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
