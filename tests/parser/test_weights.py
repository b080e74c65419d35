"""Parser files: what is saved comes back, to the bit; and fine-tuning from them."""

import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_parser import TAXONOMY, random_image, taxonomy_of, tiny_config, tiny_parser

import mereo.parser.weights as weights_file
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.model_card import ModelCard
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import built_in_parsers, load, read_metadata, save_parser, start_from


def logits(parser: SceneParser) -> torch.Tensor:
    image_BCHW = torch.from_numpy(random_image(40, 56)).permute(2, 0, 1)[None]
    with torch.no_grad():
        return parser(image_BCHW).predictions[0].logits_BKhw


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_parser(tiny_parser(), tmp_path_factory.mktemp("saved") / "tiny.safetensors")


@pytest.mark.parametrize("path", ["fcn", "deeplabv3", "upernet"])
def test_saved_and_loaded_answers_are_equal_to_the_bit(path: str, tmp_path: Path) -> None:
    rich = Taxonomy(
        "rich",
        LabelTable(("sky", "car"), raw_to_index={7: 0, 9: 1, 255: None}),
        is_thing=(False, True),
        parts=LabelTable(("wheel",)),
        part_owners=(("car",),),
        scenes=LabelTable(("street", "field")),
    )
    parser = tiny_parser(path, taxonomy=rich, preprocessing={"mean": [0.1, 0.2, 0.3], "working_side": 50})
    parser.card = ModelCard(title="a title", measured={"miou": 0.5})
    loaded = load(save_parser(parser, tmp_path / "a folder" / "größe 1.safetensors"))
    assert torch.equal(logits(loaded), logits(parser))
    assert all(torch.equal(value, parser.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert loaded.taxonomy == rich
    assert loaded.preprocessing == parser.preprocessing == PreprocessingConfig(mean=(0.1, 0.2, 0.3), working_side=50)
    assert loaded.card == parser.card
    assert not loaded.training
    # What was loaded can be saved again, and is the same file.
    again = save_parser(loaded, tmp_path / "again.safetensors")
    assert again.read_bytes() == (tmp_path / "a folder" / "größe 1.safetensors").read_bytes()


def test_preprocessing_left_out_travels_too(saved: Path) -> None:
    # The backbone's own mean and std: another version of timm may know others.
    config = read_metadata(saved)["config"]
    assert config["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


def test_half_precision_halves_the_file(tmp_path: Path, saved: Path) -> None:
    parser = tiny_parser()
    half = save_parser(parser, tmp_path / "half.safetensors", dtype=torch.float16)
    tensors = load_file(half)
    assert half.stat().st_size < 0.6 * saved.stat().st_size
    for name, value in parser.state_dict().items():
        is_kept = "running_" in name or not value.is_floating_point()
        assert tensors[name].dtype == (value.dtype if is_kept else torch.float16), name
    loaded = load(half)
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32, torch.int64}
    torch.testing.assert_close(logits(loaded), logits(parser), rtol=0.02, atol=0.02)


SAVE_SCRIPT = """
import sys
from tiny_parser import tiny_parser
from mereo.parser.weights import save_parser
save_parser(tiny_parser("upernet"), sys.argv[1])
"""


@pytest.mark.slow
def test_equal_parsers_are_equal_files_in_two_processes(tmp_path: Path) -> None:
    here = save_parser(tiny_parser("upernet"), tmp_path / "here.safetensors")
    there = tmp_path / "there.safetensors"
    environment = os.environ | {"PYTHONHASHSEED": "17", "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", SAVE_SCRIPT, str(there)], env=environment, check=True, timeout=600)
    assert there.read_bytes() == here.read_bytes()


def test_weights_in_another_memory_layout_are_saved(tmp_path: Path) -> None:
    parser = tiny_parser()
    plain = save_parser(parser, tmp_path / "plain.safetensors")
    parser.to(memory_format=torch.channels_last)
    assert save_parser(parser, tmp_path / "last.safetensors").read_bytes() == plain.read_bytes()


def test_no_pickle_is_opened(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a pickle was opened")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    load(saved)
    start_from(tiny_parser(seed=1), saved)


BIAS = "heads.0.classify.bias"


def test_weights_that_no_file_can_hold(tmp_path: Path) -> None:
    parser = tiny_parser()
    torch.nn.init.constant_(parser.heads[0].classify.bias, 1e5)
    with pytest.raises(
        BadInput, match=f"weights must be finite to be saved, but got NaN or inf.* at {BIAS} as torch.fl"
    ):
        save_parser(parser, tmp_path / "half.safetensors", dtype=torch.float16)
    assert not list(tmp_path.iterdir())
    save_parser(parser, tmp_path / "single.safetensors")


def test_a_file_with_familiarity_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    read = weights_file.read_finite_tensors

    def counted(path: Path, *, what: str) -> dict[str, torch.Tensor]:
        asked.append(path)
        return read(path, what=what)

    monkeypatch.setattr(weights_file, "read_finite_tensors", counted)
    assert load("street").familiarity is not None
    assert asked == [built_in_parsers()["street"]]


def test_a_parser_composed_in_python_has_no_file(tmp_path: Path) -> None:
    parser = tiny_parser()
    parser.config = None
    with pytest.raises(BadInput, match="must be built from a ParserConfig to be saved as a file, but got one composed"):
        save_parser(parser, tmp_path / "none.safetensors")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadEnvironment, match="must be writable, but got"):
        save_parser(tiny_parser(), tmp_path / "file" / "tiny.safetensors")


def test_a_disk_that_fails_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = save_parser(tiny_parser(), tmp_path / "tiny.safetensors").read_bytes()

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadEnvironment, match="must be writable, but got No space left on device; free space"):
        save_parser(tiny_parser(seed=1), tmp_path / "tiny.safetensors")
    assert (tmp_path / "tiny.safetensors").read_bytes() == old


def test_a_run_folder_stands_for_its_best_weights(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").write_bytes(saved.read_bytes())
    last = load(tmp_path)
    save_parser(tiny_parser("upernet"), tmp_path / "best.safetensors")
    best = load(tmp_path)
    assert last.config.path[0].stage == "projection"
    assert best.config.path[0].stage == "feature_pyramid"


def test_built_in_parsers_load_by_name() -> None:
    for name, path in built_in_parsers().items():
        assert path.stem == name
        assert load(name).taxonomy.num_objects > 1


def test_a_device_that_is_not_there(saved: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(BadEnvironment, match="device must be present, but got 'cuda', which this machine lacks"):
        load(saved, device="cuda")


def test_terms_of_use_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    card = ModelCard(terms_notice="for non-commercial research only")
    path = save_parser(tiny_parser(), tmp_path / "noticed.safetensors", card=card)
    with caplog.at_level(logging.WARNING, logger="mereo"):
        load(path)
        load(path)
    assert [record.getMessage() for record in caplog.records] == ["noticed: for non-commercial research only"]


# Fine-tuning.


def test_start_from_another_class_count(saved: Path) -> None:
    source = tiny_parser()
    parser = tiny_parser(taxonomy=taxonomy_of("sky", "road", "car", "tree"), seed=5)
    fresh = parser.heads[0].classify.weight.clone()
    assert start_from(parser, saved) == ["heads.0.classify.bias", "heads.0.classify.weight"]
    for name, value in parser.state_dict().items():
        if "classify" not in name:
            assert torch.equal(value, source.state_dict()[name]), name
    assert torch.equal(parser.heads[0].classify.weight, fresh)


def test_start_from_the_same_parser_takes_all(saved: Path) -> None:
    parser = tiny_parser(seed=5)
    assert start_from(parser, saved) == []
    assert torch.equal(logits(parser), logits(tiny_parser()))


def test_start_from_half_precision_and_another_neck(tmp_path: Path) -> None:
    half = save_parser(tiny_parser(), tmp_path / "half.safetensors", dtype=torch.float16)
    parser = tiny_parser("deeplabv3", seed=5)
    not_taken = start_from(parser, half)
    assert any(name.startswith("path.0.branches") for name in not_taken)
    assert not any(name.startswith("backbone") for name in not_taken)
    assert {value.dtype for value in parser.state_dict().values()} == {torch.float32, torch.int64}


def test_start_from_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(2)}, path)
    with pytest.raises(
        BadInput, match="start_from must share weights with the recipe's parser, but got none in .*other"
    ):
        start_from(tiny_parser(), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        BadInput, match="parser file must be a whole safetensors file, but got: .*other.safetensors; get"
    ):
        start_from(tiny_parser(), path)


def test_loading_leaves_the_config_whole(saved: Path) -> None:
    assert load(saved).config.path == tiny_config().path
    assert load(saved).taxonomy == TAXONOMY
