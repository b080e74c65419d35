"""Settings that name files: which are changed, and which stay as they are."""

from pathlib import Path

import pytest
from pydantic import Field

from mereo.features.timm_backbone import TimmBackboneConfig
from mereo.files_of_settings import FileReadOnce, with_files, with_files_beside
from mereo.parser.config import ParserConfig
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated


class Inner(StrictConfig):
    weights: FileReadOnce = Field(None, description="a file")
    name: str = "weights"


class Outer(StrictConfig):
    one: Inner = Inner()
    none: Inner | None = None
    many: tuple[Inner, ...] = ()
    sides: tuple[int, int] = (1, 2)
    name: str = "outer"


def test_every_file_within_and_nothing_else() -> None:
    before = Outer(one=Inner(weights="a"), many=(Inner(weights="b", name="b"), Inner()))
    after = with_files(before, lambda path: None if path is None else path + "!")
    assert after == Outer(one=Inner(weights="a!"), many=(Inner(weights="b!", name="b"), Inner()))
    assert before.one.weights == "a"


@pytest.mark.parametrize("name", ["elsewhere.safetensors", "hub", None])
def test_what_is_not_beside_stays(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "hub").write_bytes(b"")  # Means the hub, even so.
    assert with_files_beside(tmp_path, Inner(weights=name)).weights == name


def test_a_file_beside_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.safetensors").write_bytes(b"")
    settings = {
        "backbone": {"name": "test_resnet", "weights": "b.safetensors"},
        "path": [{"stage": "projection", "width": 8}, {"stage": "class_affinity", "counts": "b.safetensors"}],
    }
    config = with_files_beside(tmp_path, validated(ParserConfig, settings, source="a test"))
    found = str(tmp_path / "b.safetensors")
    assert config.backbone.weights == found
    assert config.path[1].model_dump()["counts"] == found
    assert config.without_weights().path[1].model_dump()["counts"] is None
    assert with_files_beside(tmp_path, TimmBackboneConfig(name="test_resnet", weights="b.safetensors")).weights == found
