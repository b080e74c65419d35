"""A Hugging Face checkpoint as files: a folder, or the hub's; config, preprocessing, tensors. Nothing is unpickled."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mereo.data.json_reading import parse_json
from mereo.errors import BadInput
from mereo.features.tensor_files import read_finite_tensors
from mereo.parser.hub.access import hub_errors, parsed_name
from mereo.parser.parser_names import CHECKPOINT_PREFIX, is_checkpoint_on_hub

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# All that is read, and all that is downloaded.
WANTED = (CONFIG, PREPROCESSOR, WEIGHTS, WEIGHTS_INDEX, "model-*-of-*.safetensors")


@dataclass(frozen=True)
class CheckpointFolder:
    """`name` is what the user called it: an ID of the hub, or the folder."""

    name: str
    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        return _read_object(self.folder / CONFIG, what="a checkpoint's config")

    @property
    def preprocessing(self) -> dict[str, Any]:
        """Empty where the checkpoint says nothing about it."""
        path = self.folder / PREPROCESSOR
        return _read_object(path, what="a checkpoint's preprocessing") if path.is_file() else {}

    @property
    def weight_files(self) -> tuple[Path, ...]:
        if (self.folder / WEIGHTS).is_file():
            return (self.folder / WEIGHTS,)
        index = self.folder / WEIGHTS_INDEX
        if index.is_file():
            return _shards(index)
        pickles = sorted(path.name for pattern in PICKLES for path in self.folder.glob(pattern))
        if pickles:
            raise BadInput(
                f"a checkpoint must hold its weights as {WEIGHTS}, but got pickles ({', '.join(pickles[:3])}) in "
                f"{self.folder}; a pickle can run any program, so save the model as safetensors first."
            )
        if is_checkpoint_on_hub(self.name):
            raise BadInput(
                f"a checkpoint must hold {WEIGHTS}, but got none of {self.name}; if it is published as a pickle alone, "
                "name a revision that has it (hf:OWNER/NAME@refs/pr/1), or save the model as safetensors first."
            )
        raise BadInput(
            f"a checkpoint must hold {WEIGHTS}, but got no weights in {self.folder}; download the whole checkpoint."
        )

    def tensors(self) -> dict[str, Tensor]:
        """Of all shards together."""
        joined: dict[str, Tensor] = {}
        for path in self.weight_files:
            for name, value in read_finite_tensors(path, what="weights of a checkpoint").items():
                if name in joined:
                    raise BadInput(f"shards must not share tensors, but got {name[:80]} twice in {path}; get it anew.")
                joined[name] = value
        return joined


def find_checkpoint(name: str | Path) -> CheckpointFolder:
    """`hf:OWNER/NAME` or `hf:OWNER/NAME@REVISION` comes from the hub or its cache; anything else is a folder."""
    if is_checkpoint_on_hub(name):
        return CheckpointFolder(str(name), _downloaded(str(name).removeprefix(CHECKPOINT_PREFIX)))
    if not os.path.isdir(name):
        raise BadInput(f"a checkpoint must be a folder or hf:OWNER/NAME, but got {str(name)!r:.80}; check its path.")
    return CheckpointFolder(str(name), Path(name))


def _downloaded(identifier: str) -> Path:
    repository, revision = parsed_name(identifier, prefix=CHECKPOINT_PREFIX, what="a checkpoint")
    from huggingface_hub import snapshot_download

    with hub_errors(identifier, prefix=CHECKPOINT_PREFIX, what="a checkpoint", instead="pass a folder"):
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(WANTED)))


def _read_object(path: Path, *, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise BadInput(f"{what} must be there, but got no {path.name} in {path.parent}; download the whole checkpoint.")
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise BadInput(f"{what} must be JSON, but got {error} in {path}; download it again.") from error
    content = parse_json(text, what=what, path=path)
    if not isinstance(content, dict):
        raise BadInput(f"{what} must be an object, but got {type(content).__name__} in {path}; download it again.")
    return content


def _shards(index: Path) -> tuple[Path, ...]:
    weight_map = _read_object(index, what="a checkpoint's index of shards").get("weight_map")
    names = sorted(set(weight_map.values())) if isinstance(weight_map, dict) and weight_map else []
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[\w-]+\.safetensors", name) for name in names):
        raise BadInput(
            f"an index of shards must name safetensors files beside it, but got {str(names)[:80]} in {index}; "
            "download it again."
        )
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise BadInput(
            f"all shards of a checkpoint must be there, but got no {', '.join(missing[:3])} in {index.parent}; "
            "download the whole checkpoint."
        )
    return tuple(index.parent / name for name in names)
