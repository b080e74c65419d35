"""Folders, shards, the hub's stand-in; and what is refused: pickles, missing files, names that lead elsewhere."""

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from safetensors.torch import load_file, save_file
from tiny_checkpoints import convnext, saved, upernet

import mereo
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.hugging_face.conversion import load_hugging_face
from mereo.parser.hugging_face.files import WANTED, find_checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(upernet(convnext()), tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    copied = tmp_path / "checkpoint"
    copied.mkdir()
    for path in whole.iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    return copied


def test_shards_are_one_checkpoint(folder: Path) -> None:
    whole = load_hugging_face(folder)
    saved(upernet(convnext()), folder, max_shard_size="200KB")
    (folder / "model.safetensors").unlink()
    assert len(find_checkpoint(folder).weight_files) > 1
    for name, value in load_hugging_face(folder).state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name


def test_a_missing_shard(folder: Path) -> None:
    saved(upernet(convnext()), folder, max_shard_size="200KB")
    (folder / "model.safetensors").unlink()
    sorted(folder.glob("model-*.safetensors"))[1].unlink()
    with pytest.raises(BadInput, match="all shards of a checkpoint must be there, but got no model-00002-of"):
        load_hugging_face(folder)


@pytest.mark.parametrize("name", ["../other.safetensors", "/etc/passwd", "weights.bin", 3])
def test_an_index_that_leads_elsewhere(folder: Path, name: object) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(BadInput, match="an index of shards must name safetensors files beside it, but got"):
        load_hugging_face(folder)


def test_two_shards_with_one_tensor(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    for name in ("a", "b"):
        save_file({"decode_head.classifier.bias": torch.zeros(3)}, folder / f"{name}.safetensors")
    weight_map = {"x": "a.safetensors", "y": "b.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(BadInput, match="shards must not share tensors, but got decode_head.classifier.bias twice"):
        load_hugging_face(folder)


def test_pickles_are_not_opened(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(BadInput, match=r"must hold its weights as model.safetensors, but got pickles \(pytorch_model"):
        load_hugging_face(folder)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "must hold model.safetensors, but got no weights in"),
        (lambda folder: (folder / "config.json").unlink(), "a checkpoint's config must be there, but got no config.js"),
        (lambda folder: (folder / "config.json").write_text("{"), "a checkpoint's config must be JSON, but got"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff"), "a checkpoint's config must be JSON, but got"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config must be an object, but got list"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "must be a whole safetensors file, but got"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("3"), "preprocessing must be an object, but"),
    ],
    ids=range(7),
)
def test_spoiled_folders(folder: Path, spoil, match: str) -> None:  # type: ignore[no-untyped-def]
    spoil(folder)
    with pytest.raises(BadInput, match=match):
        load_hugging_face(folder)


def test_weights_that_are_no_numbers(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["decode_head.classifier.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BadInput, match="weights must be finite, but got NaN or infinity at decode_head.classifier"):
        load_hugging_face(folder)


def test_no_such_folder() -> None:
    with pytest.raises(BadInput, match="a checkpoint must be a folder or hf:OWNER/NAME, but got 'nowhere'"):
        load_hugging_face("nowhere")


class TestHub:
    def test_what_is_asked_of_the_hub(self, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[object, ...]] = []

        def stand_in(repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
            asked.append((repository, revision, tuple(allow_patterns)))
            return str(whole)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", stand_in)
        parser = mereo.load("hf:someone/upernet-tiny")
        assert not any("bin" in pattern for pattern in WANTED)
        assert parser.card is not None
        assert parser.card.terms.endswith("own licence applies; read it at huggingface.co/someone/upernet-tiny")
        assert not parser.training
        assert parser.taxonomy.name == "someone/upernet-tiny"
        of_request = mereo.load("hf:someone/upernet-tiny@refs/pr/1")
        assert of_request.card is not None and of_request.card.terms == parser.card.terms
        revisions = ("someone/upernet-tiny", None, WANTED), ("someone/upernet-tiny", "refs/pr/1", WANTED)
        assert asked == [*revisions]

    def test_pickles_alone(self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "config.json").write_bytes((whole / "config.json").read_bytes())
        monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *arguments, **options: str(tmp_path))
        with pytest.raises(BadInput, match="must hold model.safetensors, but got none of hf:a/b; if it is pub"):
            mereo.load("hf:a/b")

    @pytest.mark.parametrize(
        "name", ["hf:", "hf:../x", "hf:a/b@", "hf:a/b@../x", "hf:a/b/c", "hf:a b", "hf:https://x.org/y"]
    )
    def test_names_that_are_none(self, name: str) -> None:
        with pytest.raises(BadInput, match="a checkpoint on the hub must be named hf:OWNER/NAME, but got"):
            mereo.load(name)

    def test_no_such_repository(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*arguments: object, **options: object) -> str:
            raise RepositoryNotFoundError.__new__(RepositoryNotFoundError)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        with pytest.raises(BadInput, match="a checkpoint must be on the hub, but got none called no/one"):
            mereo.load("hf:no/one")

    def test_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*arguments: object, **options: object) -> str:
            raise LocalEntryNotFoundError("cannot reach\nthe hub")

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        with pytest.raises(BadEnvironment, match="hf:some/one must be downloadable, but got: cannot reach the hub"):
            mereo.load("hf:some/one")
