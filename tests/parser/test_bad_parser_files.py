"""Files that are no parser files, or that want more than to be read."""

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_parser import tiny_parser

from mereo.errors import BadInput
from mereo.parser.weights import load, save_parser


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_parser(tiny_parser(), tmp_path_factory.mktemp("saved") / "tiny.safetensors")


def rewritten(
    source: Path,
    path: Path,
    *,
    tensors: Callable[[dict[str, torch.Tensor]], Any] = lambda tensors: None,
    content: Callable[[dict[str, Any]], Any] = lambda content: None,
) -> Path:
    values = load_file(source)
    with safe_open(source, framework="pt") as file:
        metadata = json.loads(file.metadata()["mereo"])
    tensors(values)
    content(metadata)
    save_file(values, path, metadata={"mereo": json.dumps(metadata)})
    return path


def raw_file(header: bytes, data: bytes = b"", *, length: int | None = None) -> Callable[[Path, Path], Any]:
    return lambda source, path: path.write_bytes(
        struct.pack("<Q", len(header) if length is None else length) + header + data
    )


def overlapping(source: Path, path: Path) -> None:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"a": entry, "b": entry | {"data_offsets": [4, 12]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(12))


def with_tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path, Path], Any]:
    return lambda source, path: rewritten(source, path, tensors=change)


def with_content(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Path], Any]:
    return lambda source, path: rewritten(source, path, content=change)


BIAS = "heads.0.classify.bias"
NOT_SAFETENSORS = r"parser file must be a safetensors file, but got: .* in .*bad.safetensors; check the path"
NOT_JSON = r"the metadata of a parser file must be JSON, but got .* in .*bad.safetensors; save or copy it again"
NOT_OURS = r"must be one that Mereo saved \(mereo-parser-1\), but got other content in .*bad.safetensors"
BAD_FILES: dict[str, tuple[Callable[[Path, Path], Any], str]] = {
    "absent": (
        lambda source, path: None,
        "must be a built-in name, a parser file or a run folder, but got .*bad.safet",
    ),
    "empty folder": (lambda source, path: path.mkdir(), "must be a built-in name, a parser file or a run folder"),
    "empty": (lambda source, path: path.write_bytes(b""), NOT_SAFETENSORS),
    "pickle": (lambda source, path: path.write_bytes(pickle.dumps({"weight": [1.0] * 99})), NOT_SAFETENSORS),
    "torch file": (lambda source, path: torch.save({"weight": torch.ones(9)}, path), NOT_SAFETENSORS),
    "text": (lambda source, path: path.write_text("weights, please\n" * 20), NOT_SAFETENSORS),
    "header longer than the file": (raw_file(b"{}", length=10**6), NOT_SAFETENSORS),
    "header of exabytes": (raw_file(b"{}", length=2**63), NOT_SAFETENSORS),
    "header is no JSON": (raw_file(b"{nonsense}"), NOT_SAFETENSORS),
    "header is no text": (raw_file(b"\xff\xfe{}"), NOT_SAFETENSORS),
    "header nests deeply": (raw_file(b"[" * 100_000), NOT_SAFETENSORS),
    "header of another shape": (raw_file(b"[1, 2]"), NOT_SAFETENSORS),
    "overlapping offsets": (overlapping, NOT_SAFETENSORS),
    "truncated": (lambda source, path: path.write_bytes(source.read_bytes()[:-1]), NOT_SAFETENSORS),
    "half": (lambda source, path: path.write_bytes(source.read_bytes()[: source.stat().st_size // 2]), NOT_SAFETENSORS),
    "longer": (lambda source, path: path.write_bytes(source.read_bytes() + b"more"), NOT_SAFETENSORS),
    "no metadata": (lambda source, path: save_file({"a": torch.ones(2)}, path), NOT_OURS),
    "metadata is no JSON": (
        lambda source, path: save_file({"a": torch.ones(2)}, path, metadata={"mereo": "{"}),
        NOT_JSON,
    ),
    "metadata nests deeply": (
        lambda source, path: save_file({"a": torch.ones(2)}, path, metadata={"mereo": "[" * 200_000}),
        NOT_JSON,
    ),
    "metadata is a list": (
        lambda source, path: save_file({"a": torch.ones(2)}, path, metadata={"mereo": "[1]"}),
        NOT_OURS,
    ),
    "a later format": (with_content(lambda content: content.update(format="mereo-parser-2")), NOT_OURS),
    "no taxonomy": (with_content(lambda content: content.pop("taxonomy")), NOT_OURS),
    "unknown stage": (
        with_content(lambda content: content["config"]["path"][0].update(stage="projektion")),
        r"the config in .*bad.safetensors must be valid, but got: path.0: .*'projection'",
    ),
    "unknown key": (
        with_content(lambda content: content["config"].update(decoder="x")),
        r"the config in .*bad.safetensors must be valid, but got: .*'decoder'",
    ),
    "unknown backbone": (
        with_content(lambda content: content["config"]["backbone"].update(name="resnet1")),
        "backbone must be a timm model, but got 'resnet1'; did you mean",
    ),
    "config is a list": (
        with_content(lambda content: content.update(config=[1])),
        "the config in .*bad.safetensors must be valid, but got",
    ),
    "taxonomy is a number": (
        with_content(lambda content: content.update(taxonomy=3)),
        "the taxonomy in .*bad.safetensors must be valid",
    ),
    "card is a word": (
        with_content(lambda content: content.update(card="good")),
        "the model card in .*bad.safetensors must be valid",
    ),
    "missing weights": (
        with_tensors(lambda tensors: tensors.pop(BIAS)),
        rf"must hold exactly its config's weights, but got 1 missing \['{BIAS}'\] and 0 unknown .*bad.safetensors",
    ),
    "extra weights": (
        with_tensors(lambda tensors: tensors.update(extra=torch.ones(2))),
        r"but got 0 missing \[\] and 1 unknown \['extra'\]",
    ),
    "another class count": (
        with_content(lambda content: content["taxonomy"]["objects"].pop()),
        r"heads.0.classify.(bias|weight) must have shape \(2,.*\), but got \(3,.*\) in .*bad.safetensors; save it anew",
    ),
    "NaN": (
        with_tensors(lambda tensors: tensors[BIAS][1:2].fill_(torch.nan)),
        f"weights must be finite, but got NaN or infinity at {BIAS} in .*bad.safetensors; get the file anew",
    ),
    "infinity": (with_tensors(lambda tensors: tensors[BIAS][:1].fill_(-torch.inf)), "NaN or infinity at heads.0"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files(kind: str, saved: Path, tmp_path: Path) -> None:
    write, match = BAD_FILES[kind]
    path = tmp_path / "bad.safetensors"
    write(saved, path)
    with pytest.raises(BadInput, match=match) as caught:
        load(path)
    assert len(str(caught.value)) < 1000
    if kind != "unknown backbone":
        assert str(caught.value).endswith(".")


def test_any_flipped_byte_of_the_header_is_an_error_or_harmless(saved: Path, tmp_path: Path) -> None:
    whole = bytearray(saved.read_bytes())
    random = np.random.default_rng(0)
    path = tmp_path / "flipped.safetensors"
    for position in [0, 1, 7, 8, *random.integers(8, struct.unpack("<Q", whole[:8])[0], 25).tolist()]:
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(flipped)
        try:
            load(path)
        except BadInput:
            pass


@pytest.mark.parametrize("name", ["", "x" * 5000, "no\0thing", "strete"], ids=["empty", "long", "null", "misspelt"])
def test_names_that_are_no_parser(name: str) -> None:
    with pytest.raises(BadInput, match="parser must be a built-in name, a parser file or a run folder, but got"):
        load(name)


def test_a_file_cannot_make_us_open_or_download_anything(saved: Path, tmp_path: Path) -> None:
    def point_elsewhere(content: dict[str, Any]) -> None:
        content["config"]["backbone"]["weights"] = "hub"

    path = rewritten(saved, tmp_path / "pointing.safetensors", content=point_elsewhere)
    assert load(path).config.backbone.weights is None
