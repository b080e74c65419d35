"""Parser files that lie: `BAD_PARSERS` maps a name to what writes one (from a sound file), and to what must be said."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

BIAS, WEIGHT = "heads.0.classify.bias", "heads.0.classify.weight"
Write = Callable[[Path, Path, np.random.Generator], Any]


def with_tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Write:
    def write(source: Path, path: Path, random: np.random.Generator) -> None:
        tensors = load_file(source)
        change(tensors)
        save_file(tensors, path, metadata={"mereo": metadata_of(source)})

    return write


def with_content(change: Callable[[dict[str, Any]], Any]) -> Write:
    def write(source: Path, path: Path, random: np.random.Generator) -> None:
        content = json.loads(metadata_of(source))
        change(content)
        save_file(load_file(source), path, metadata={"mereo": json.dumps(content)})

    return write


def with_metadata(text: str) -> Write:
    return lambda source, path, random: save_file(load_file(source), path, metadata={"mereo": text})


def metadata_of(source: Path) -> str:
    with safe_open(source, framework="pt") as file:
        return str(file.metadata()["mereo"])


def parts_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the numbers of a safetensors file."""
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(change: Callable[[dict[str, Any]], Any]) -> Write:
    def write(source: Path, path: Path, random: np.random.Generator) -> None:
        header, numbers = parts_of(source.read_bytes())
        change(header)
        path.write_bytes(raw(json.dumps(header).encode(), numbers))

    return write


def raw(header: bytes, numbers: bytes = b"", *, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + numbers


def _bytes(change: Callable[[bytes, np.random.Generator], bytes]) -> Write:
    return lambda source, path, random: path.write_bytes(change(source.read_bytes(), random))


def _lies(length: int) -> Write:
    """About how long its header is."""
    return _bytes(lambda content, random: struct.pack("<Q", length) + content[8:])


def _offsets(name: str, change: Callable[[list[int]], list[int]]) -> Write:
    return with_header(lambda header: header[name].update(data_offsets=change(header[name]["data_offsets"])))


def _torch_file(content: bytes, random: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    torch.save({"weight": torch.ones(9)}, stream)
    return stream.getvalue()


def _zip(content: bytes, random: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return stream.getvalue()


class Evil:
    """Whoever unpickles it creates a file."""

    def __reduce__(self) -> Any:
        return open, ("unpickled", "w")


NO_FILE = "parser file must be a (whole )?safetensors file, but got: .* in .*bad.safetensors"
NO_JSON = "the metadata of a parser file must be JSON, but got .* in .*bad.safetensors"
NOT_OURS = "parser file must be one that Mereo saved"
CONFIG = "the config in .*bad.safetensors must be valid, but got: "
TAXONOMY = "the taxonomy in .*bad.safetensors must be valid, but got: "
CARD = "the model card in .*bad.safetensors must be valid, but got: "
BROKEN_FILES: dict[str, tuple[Write, str]] = {
    "empty": (_bytes(lambda content, random: b""), NO_FILE),
    "8 bytes": (_bytes(lambda content, random: content[:8]), NO_FILE),
    "text": (_bytes(lambda content, random: b"weights, please\n" * 20), NO_FILE),
    "noise": (_bytes(lambda content, random: random.bytes(9000)), NO_FILE),
    "pickle": (_bytes(lambda content, random: pickle.dumps({"weight": [1.0] * 99})), NO_FILE),
    "pickle that acts": (_bytes(lambda content, random: pickle.dumps(Evil())), NO_FILE),
    "torch file": (_bytes(_torch_file), NO_FILE),
    "zip": (_bytes(_zip), NO_FILE),
    "cut in its header": (_bytes(lambda content, random: content[: int(random.integers(9, 500))]), NO_FILE),
    "cut in its numbers": (_bytes(lambda content, random: content[: -int(random.integers(1, 9000))]), NO_FILE),
    "longer than it says": (_bytes(lambda content, random: content + bytes(7)), NO_FILE),
    "header longer than the file": (_lies(10**7), NO_FILE),
    "header of 2^63 bytes": (_lies(2**63), NO_FILE),
    "header of 2^64 - 1 bytes": (_lies(2**64 - 1), NO_FILE),
    "header of 0 bytes": (_lies(0), NO_FILE),
    "header one byte short": (
        _bytes(lambda content, random: struct.pack("<Q", struct.unpack("<Q", content[:8])[0] - 1) + content[8:]),
        NO_FILE,
    ),
    "header that nests": (_bytes(lambda content, random: raw(b'{"a":' * 100_000)), NO_FILE),
    "header that is a list": (_bytes(lambda content, random: raw(b"[1, 2]")), NO_FILE),
    "header of NaN": (_bytes(lambda content, random: raw(b'{"a": NaN}')), NO_FILE),
    "header that is no UTF-8": (_bytes(lambda content, random: raw(b"\xff\xfe{}")), NO_FILE),
    "overlapping offsets": (_offsets(BIAS, lambda ends: [ends[0] - 4, ends[1] - 4]), NO_FILE),
    "offsets with a hole": (_offsets(BIAS, lambda ends: [ends[0] + 4, ends[1] + 4]), NO_FILE),
    "offsets backwards": (_offsets(BIAS, lambda ends: ends[::-1]), NO_FILE),
    "offsets behind the end": (_offsets(BIAS, lambda ends: [10**12, 10**12 + 12]), NO_FILE),
    "negative offsets": (_offsets(BIAS, lambda ends: [-12, 0]), NO_FILE),
    "half an offset": (_offsets(BIAS, lambda ends: [ends[0], ends[1] + 0.5]), NO_FILE),
    "offsets of 2^64": (_offsets(BIAS, lambda ends: [0, 2**64]), NO_FILE),
    "one offset": (_offsets(BIAS, lambda ends: ends[:1]), NO_FILE),
    "shape that overflows": (with_header(lambda header: header[BIAS].update(shape=[2**62, 2**62, 3])), NO_FILE),
    "negative shape": (with_header(lambda header: header[BIAS].update(shape=[-3])), NO_FILE),
    "unknown dtype": (with_header(lambda header: header[BIAS].update(dtype="X99")), NO_FILE),
    "dtype of another width": (with_header(lambda header: header[BIAS].update(dtype="F64")), NO_FILE),
    "metadata that is no text": (with_header(lambda header: header["__metadata__"].update(mereo=3)), NO_FILE),
    "metadata that is a list": (with_header(lambda header: header.update(__metadata__=[1])), NO_FILE),
}


def _put(path: list[Any], value: Any) -> Write:
    def change(content: dict[str, Any]) -> None:
        at: Any = content
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return with_content(change)


BACKBONE = ["config", "backbone"]
BAD_METADATA: dict[str, tuple[Write, str]] = {
    "no metadata": (lambda source, path, random: save_file(load_file(source), path), NOT_OURS),
    "empty metadata": (with_metadata(""), NO_JSON),
    "garbage": (with_metadata("}{"), NO_JSON),
    "nested lists": (with_metadata("[" * 200_000), NO_JSON),
    "nested mappings": (with_metadata('{"a":' * 200_000), NO_JSON),
    "a number of 5000 digits": (with_metadata('{"config": ' + "9" * 5000 + "}"), NO_JSON),
    "null": (with_metadata("null"), NOT_OURS),
    "a word": (with_metadata('"mereo-parser-1"'), NOT_OURS),
    "a later format": (_put(["format"], "mereo-parser-9"), NOT_OURS),
    "a format that is a list": (_put(["format"], ["mereo-parser-1"]), NOT_OURS),
    "no config": (with_content(lambda content: content.pop("config")), NOT_OURS),
    "config is null": (_put(["config"], None), CONFIG),
    "config is a number": (_put(["config"], 10**4000), CONFIG),
    "config nests": (_put(["config"], json.loads("[" * 400 + "]" * 400)), CONFIG),
    "an unknown key": (_put(["config", "decoder"], 1), CONFIG),
    "an unknown network": (_put([*BACKBONE, "name"], "resnet1"), "backbone must be a timm model, but got 'resnet1'"),
    "a network of 10,000 letters": (_put([*BACKBONE, "name"], "x" * 10_000), "backbone must be a timm model"),
    "a network on the internet": (_put([*BACKBONE, "name"], "hf-hub:someone/something"), "must be a timm model"),
    "a network on this machine": (_put([*BACKBONE, "name"], "local-dir:/etc"), "must be a timm model"),
    "a network with a pipe": (_put([*BACKBONE, "name"], "resnet18\0"), "must be a timm model"),
    "another network": (_put([*BACKBONE, "name"], "test_vit"), "weights"),
    "an enormous width": (_put(["config", "path", 0, "width"], 10**9), CONFIG),
    "a huge width": (_put(["config", "path", 0, "width"], 10**5), CONFIG),
    "a network of gigabytes": (
        _put([*BACKBONE, "name"], "vit_giant_patch14_224"),
        "a network of more than .* numbers in",
    ),
    "a network of many widths": (
        with_content(
            lambda content: content["config"].update(path=[content["config"]["path"][0] | {"width": 16000}] * 9)
        ),
        "a network of more than .* numbers in",
    ),
    "a width of 4000 digits": (_put(["config", "path", 0, "width"], 10**4000), CONFIG),
    "a width of true": (_put(["config", "path", 0, "width"], True), CONFIG),
    "a width of NaN": (_put(["config", "path", 0, "width"], float("nan")), CONFIG),
    "a path of 10,000 stages": (
        with_content(lambda content: content["config"].update(path=content["config"]["path"] * 10_000)),
        CONFIG,
    ),
    "no heads": (_put(["config", "heads"], []), "head"),
    "a mean of NaN": (_put(["config", "preprocessing", "mean"], [float("nan"), 0, 0]), CONFIG),
    "a deviation of 0": (_put(["config", "preprocessing", "std"], [0, 1, 1]), CONFIG),
    "a working side of 0": (_put(["config", "preprocessing", "working_side"], 0), CONFIG),
    "taxonomy is a number": (_put(["taxonomy"], 3), TAXONOMY),
    "taxonomy is null": (_put(["taxonomy"], None), TAXONOMY),
    "no classes": (_put(["taxonomy", "objects"], []), "a class list must name at least one class"),
    "classes are words": (_put(["taxonomy", "objects"], "sky"), TAXONOMY),
    "a class twice": (
        with_content(lambda content: content["taxonomy"]["objects"][1].update(name="sky")),
        "class names must be unique",
    ),
    "a class that clears the screen": (
        _put(["taxonomy", "objects", 0, "name"], "\x1b[2J"),
        "class names must be printable",
    ),
    "a class of half a surrogate": (_put(["taxonomy", "objects", 0, "name"], "\ud800"), NO_JSON),
    "a colour that is none": (_put(["taxonomy", "objects", 0, "colour"], "red; x"), "colour"),
    "an id of 70 bits": (_put(["taxonomy", "objects", 0, "ids"], [2**70]), "a raw id must fit in 32 bits"),
    "a key twice": (with_metadata('{"config": 1, "config": 2}'), NO_JSON),
    "another class count": (
        with_content(lambda content: content["taxonomy"]["objects"].pop()),
        r"must have shape \(2,.*but got \(3,",
    ),
    "card is a word": (_put(["card"], "good"), CARD),
    "card measures NaN": (_put(["card", "measured"], {"mean_iou": float("nan")}), CARD),
    "card with half a surrogate": (_put(["card", "terms"], "\ud800"), NO_JSON),
    "card that clears the screen": (_put(["card", "terms_notice"], "\x1b[2J"), CARD),
}
BAD_TENSORS: dict[str, tuple[Write, str]] = {
    "NaN": (
        with_tensors(lambda tensors: tensors[BIAS][1:2].fill_(torch.nan)),
        f"weights must be finite, but got NaN or infinity at {BIAS} in",
    ),
    "infinity": (with_tensors(lambda tensors: tensors[BIAS][:1].fill_(-torch.inf)), "NaN or infinity at"),
    "infinite once narrow": (
        with_tensors(lambda tensors: tensors.update({BIAS: torch.full((3,), 1e300, dtype=torch.float64)})),
        f"NaN or infinity at {BIAS}",
    ),
    "whole numbers": (
        with_tensors(lambda tensors: tensors.update({WEIGHT: tensors[WEIGHT].to(torch.int32)})),
        f"{WEIGHT} must hold floating-point numbers, but got torch.int32 in",
    ),
    "switches": (
        with_tensors(lambda tensors: tensors.update({BIAS: torch.ones(3, dtype=torch.bool)})),
        "torch.bool in",
    ),
    "complex numbers": (
        with_tensors(lambda tensors: tensors.update({BIAS: torch.ones(3, dtype=torch.complex64)})),
        f"{BIAS} must hold floating-point numbers, but got torch.complex64 in",
    ),
    "numbers of 8 bits": (
        with_tensors(lambda tensors: tensors.update({BIAS: torch.ones(3).to(torch.float8_e4m3fn)})),
        "torch.float8_e4m3fn in",
    ),
    "missing": (with_tensors(lambda tensors: tensors.pop(BIAS)), rf"1 missing \['{BIAS}'\] and 0 unknown"),
    "extra": (with_tensors(lambda tensors: tensors.update(extra=torch.ones(2))), r"0 missing \[\] and 1 unknown"),
    "none": (with_tensors(lambda tensors: tensors.clear()), r"missing \["),
    "turned": (with_tensors(lambda tensors: tensors.update({WEIGHT: tensors[WEIGHT].flatten()})), "must have shape"),
    "a name that clears the screen": (
        with_tensors(lambda tensors: tensors.update({"\x1b[2J": torch.ones(1)})),
        "1 unknown",
    ),
}
BAD_PARSERS = BROKEN_FILES | BAD_METADATA | BAD_TENSORS
