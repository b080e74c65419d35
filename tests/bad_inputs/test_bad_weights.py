"""A parser file, or weights of a backbone, that lie are refused in one line by every command; nothing is unpickled."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_labels import data_set
from bad_weights import BAD_METADATA, BAD_PARSERS, BAD_TENSORS, BROKEN_FILES
from PIL import Image
from ran_command import Mereo
from safetensors.torch import save_file
from small_run import small_recipe, write_recipe
from tiny_parser import TAXONOMY, tiny_config

from mereo.errors import BadInput
from mereo.features.timm_backbone import TimmBackbone
from mereo.parser.network_limit import no_larger_than
from mereo.parser.weights import load

# What can be seen only once the network is built, or its weights are read: showing the file does neither.
SOUND_TO_SHOW = {*BAD_TENSORS, "another network", "another class count", "a network of gigabytes", "no heads"}
SOUND_TO_SHOW |= {name for name in BAD_METADATA if "network" in name}

# It loads as parsing does: a few are enough to see that.
EVALUATED = [*BAD_PARSERS][::5]


@pytest.fixture
def bad(tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bad.safetensors"


@pytest.mark.parametrize("name", BAD_PARSERS)
def test_no_command_takes_it(name: str, bad: Path, tiny_file: Path, mereo: Mereo) -> None:
    write, match = BAD_PARSERS[name]
    write(tiny_file, bad, np.random.default_rng(0))
    Image.new("RGB", (9, 9)).save("a.png")
    commands: list[list[object]] = [["parse", "a.png", "--out", "out", "--device", "cpu", "--parser", bad]]
    commands += [] if name in SOUND_TO_SHOW else [["show", bad]]
    commands += [["evaluate", bad, "--data", "nowhere"]] if name in EVALUATED else []
    for arguments in commands:
        ran = mereo(*arguments)
        assert ran.code == 2 and re.search(match, ran.error), ran.error
        assert len(ran.error) < 1200 and ran.out == ""
    assert {path.name for path in bad.parent.iterdir()} == {"a.png", "bad.safetensors"}, "nothing was unpickled"


@pytest.mark.parametrize("name", ["cut in its numbers", "header of 2^63 bytes", "pickle that acts"])
def test_seeds_change_where_it_is_cut(name: str, bad: Path, tiny_file: Path) -> None:
    for seed in range(20):
        BROKEN_FILES[name][0](tiny_file, bad, np.random.default_rng(seed))
        with pytest.raises(BadInput, match=BROKEN_FILES[name][1]):
            load(bad)


def test_flipped_bits_give_a_parser_or_bad_input(bad: Path, tiny_file: Path) -> None:
    whole = tiny_file.read_bytes()
    random = np.random.default_rng(0)
    header_bytes = 8 + int.from_bytes(whole[:8], "little")
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(int(random.integers(1, 4))):
            end = header_bytes if random.random() < 0.7 else len(content)
            content[int(random.integers(0, end))] ^= 1 << int(random.integers(0, 8))
        bad.write_bytes(content)
        try:
            parser = load(bad)
        except BadInput as error:
            assert "\n" not in str(error)
        else:
            assert all(bool(torch.isfinite(value).all()) for value in parser.state_dict().values())


BACKBONE_FILES = [name for name in BROKEN_FILES if "metadata" not in name]


@pytest.fixture(scope="module")
def backbone_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import timm

    path = tmp_path_factory.mktemp("backbone") / "sound.safetensors"
    save_file(timm.create_model("test_efficientnet").state_dict(), path)
    TimmBackbone("test_efficientnet", weights=path)
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recipe(tmp_path_factory.mktemp("recipe"), small_recipe(steps=1))


@pytest.mark.parametrize("name", ["0 bytes", "folder", "nowhere", "NaN", "whole numbers", "missing", "other", "pickle"])
def test_training_from_bad_backbone_weights_is_refused(
    name: str, bad: Path, backbone_weights: Path, recipe: Path, mereo: Mereo
) -> None:
    from safetensors.torch import load_file

    tensors = load_file(backbone_weights)
    if name == "folder":
        bad.mkdir()
    elif name in ("0 bytes", "pickle"):
        bad.write_bytes(b"")
        if name == "pickle":
            torch.save(tensors, bad)
    elif name != "nowhere":
        first = next(key for key, value in tensors.items() if value.ndim == 4)
        if name == "missing":
            tensors.pop(first)
        elif name == "NaN":
            tensors[first].view(-1)[0] = torch.nan
        elif name == "whole numbers":
            tensors[first] = torch.zeros(tensors[first].shape, dtype=torch.int16)
        save_file({"other": torch.ones(2)} if name == "other" else tensors, bad)
    ran = mereo("train", recipe, "--out", "run", f"parser.backbone.weights={bad}", "parser.backbone.output_stride=8")
    match = {
        "0 bytes": "backbone weights must be a whole safetensors file",
        "pickle": "backbone weights must be a whole safetensors file",
        "folder": "backbone weights must be 'hub' or a safetensors file",
        "nowhere": "backbone weights must be 'hub' or a safetensors file",
        "NaN": "weights must be finite, but got NaN or infinity at",
        "whole numbers": "must hold floating-point numbers, but got torch.int16",
        "missing": "backbone weights must fit test_efficientnet, but got",
        "other": "backbone weights must fit test_efficientnet, but got",
    }[name]
    assert ran.code == 2 and re.search(match, ran.error), ran.error
    assert not Path("run").exists()


@pytest.mark.parametrize("name", [*BACKBONE_FILES[::4], "NaN", "whole numbers", "no metadata", "an enormous width"])
def test_starting_from_a_bad_parser_is_refused_or_takes_what_fits(
    name: str, bad: Path, tiny_file: Path, recipe: Path, mereo: Mereo
) -> None:
    write, _ = BAD_PARSERS[name]
    write(tiny_file, bad, np.random.default_rng(0))
    ran = mereo("train", recipe, "--out", "run", f"start_from={bad}")
    if name in BROKEN_FILES or name in BAD_TENSORS:
        assert ran.code == 2 and not Path("run").exists()
        assert re.search(BAD_PARSERS[name][1], ran.error), ran.error
    else:
        # Only its tensors are asked for, and they are sound.
        assert ran.code == 0


def test_a_network_may_be_as_large_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"")
    with no_larger_than(tmp_path / "small"):
        tiny_config().build(TAXONOMY)
        torch.nn.Linear(8000, 8000)
    with pytest.raises(BadInput, match="but got a network of more than 67,108,864 numbers in .*small"):
        with no_larger_than(tmp_path / "small"):
            torch.nn.Linear(9000, 9000, device="meta")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(20_000_000)
    with no_larger_than(tmp_path / "large"):
        torch.nn.Linear(9000, 9000, device="meta")
    torch.nn.Linear(20_000, 20_000, device="meta")  # No longer counted.
    with pytest.raises(RuntimeError, match="another"):
        with no_larger_than(tmp_path / "small"):
            raise RuntimeError("another mistake")


def test_data_of_other_classes_is_refused(tmp_path: Path, tiny_file: Path, mereo: Mereo) -> None:
    data_set(tmp_path / "data", "val")
    ran = mereo("evaluate", tiny_file, "--data", tmp_path / "data")
    assert ran.code == 2 and "parser and data must have the same classes in the same order" in ran.error
