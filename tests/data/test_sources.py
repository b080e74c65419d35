import sys
import types
from pathlib import Path

import pytest
from pydantic import BaseModel

from mereo.data.sources import (
    Ade20kSource,
    AnnotatorsSource,
    ClassFoldersSource,
    CocoPanopticSource,
    DataSource,
    DrawnScenesSource,
    FolderSource,
    JoinedSource,
    VocSource,
    find_root,
    open_samples,
)
from mereo.errors import BadInput
from mereo.strict_yaml import validated

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


class Holder(BaseModel):
    source: DataSource


def test_the_union_is_closed_and_strict():
    source = validated(Holder, {"source": {"format": "folder", "root": "x"}}, source="a test").source
    assert source == FolderSource(root="x", split="train")
    with pytest.raises(BadInput, match="does not match any of the expected tags"):
        validated(Holder, {"source": {"format": "mystery", "root": "x"}}, source="a test")
    with pytest.raises(BadInput, match="did you mean 'split'"):
        validated(Holder, {"source": {"format": "folder", "root": "x", "splitt": "val"}}, source="a test")


def test_joined_sources_are_named_and_not_nested():
    drawn = {"format": "drawn_scenes", "count": 3, "size": [32, 48]}
    content = {"format": "joined", "sources": {"a": drawn, "b": drawn | {"count": 2, "seed": 1}}}
    source = validated(Holder, {"source": content}, source="a test").source
    assert isinstance(source, JoinedSource) and source.sources["b"] == DrawnScenesSource(count=2, seed=1, size=(32, 48))
    samples = open_samples(source)
    assert samples.names[2:4] == ["a/field_00002", "b/street_00000"] and samples.taxonomy.name == "drawn_scenes"
    with pytest.raises(BadInput, match="sources must have the objects of the joint taxonomy 'camvid'"):
        open_samples(source.model_copy(update={"taxonomy": "camvid"}))
    for sources, message in (
        ({}, "should have at least 1 item"),
        ({"a b": drawn}, "a source's name must be letters, digits, _ and -, but got 'a b'; rename it"),
        ({"a": content}, "Input tag 'joined' found"),
        ({"a": drawn | {"cuont": 1}}, "source.sources.a: .* got 'cuont'; did you mean 'count'"),
    ):
        with pytest.raises(BadInput, match=message):
            validated(Holder, {"source": content | {"sources": sources}}, source="a test")


def test_a_joint_taxonomy_beside_the_recipe(tmp_path):
    (tmp_path / "joint.yaml").write_text("name: joint\nobjects: [a]\n")
    (tmp_path / "data" / "train" / "x").mkdir(parents=True)
    source = JoinedSource(
        taxonomy="joint.yaml", sources={"t": ClassFoldersSource(root="data", taxonomy="joint.yaml", label="scene")}
    )
    with pytest.raises(BadInput, match="class folders must hold at least one image"):
        open_samples(source, folder=tmp_path)


def test_a_relative_root_is_looked_up_beside_the_recipe_first(tmp_path, monkeypatch):
    (tmp_path / "recipes" / "data").mkdir(parents=True)
    (tmp_path / "work" / "data").mkdir(parents=True)
    (tmp_path / "work" / "other").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert find_root("data", folder=tmp_path / "recipes") == tmp_path / "recipes" / "data"
    assert find_root("other", folder=tmp_path / "recipes").resolve() == (tmp_path / "work" / "other").resolve()
    assert find_root(str(tmp_path / "work"), folder=tmp_path / "recipes") == tmp_path / "work"
    with pytest.raises(BadInput, match="got 'nope' and no folder .*recipes.nope, nor .*work.nope; put the data there"):
        find_root("nope", folder=tmp_path / "recipes")
    with pytest.raises(BadInput, match="a data root must be a folder, but got '/nowhere/at/all'"):
        find_root("/nowhere/at/all", folder=tmp_path)


def test_drawn_scenes_are_made_on_demand(monkeypatch):
    called = {}

    class DrawnScenes:
        def __init__(self, count, **options):
            called.update(count=count, **options)

    monkeypatch.setitem(sys.modules, "mereo.data.drawn_scenes", types.SimpleNamespace(DrawnScenes=DrawnScenes))
    open_samples(DrawnScenesSource(count=3, seed=5, size=(48, 64)))
    assert called == {"count": 3, "seed": 5, "size": (48, 64)}
    open_samples(DrawnScenesSource(count=1, kinds=("street",)))
    assert called["kinds"] == ("street",)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
@pytest.mark.parametrize(
    ("source", "count", "first"),
    [
        (FolderSource(root="camvid", split="val", description="camvid"), 101, "0016E5_07959"),
        (ClassFoldersSource(root="textures"), 300, "banded/banded_0002"),
        (ClassFoldersSource(root="textures", split="val", taxonomy="textures"), 50, "banded/banded_0013"),
        (AnnotatorsSource(root="bsds500", split="val"), 100, "101085"),
        (VocSource(root="voc2007"), 20, "000032"),
        (Ade20kSource(root="ade20k"), 3, "ADE_train_00016869"),
        (
            CocoPanopticSource(
                root="coco_panoptic",
                annotations="panoptic_examples.json",
                segments="panoptic_examples",
                images="input_images",
            ),
            2,
            "000000142238",
        ),
    ],
)
def test_every_real_folder_opens(source, count, first):
    samples = open_samples(source, folder=SHARED)
    assert len(samples) == len(samples.names) == count and samples.names[0] == first
    sample = samples[0]
    assert sample.name == first and sample.image_CHW.shape[0] == 3
    assert samples.fingerprint == open_samples(source, folder=SHARED).fingerprint


def test_a_description_beside_the_recipe(tmp_path):
    import numpy as np
    from PIL import Image

    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "data" / folder / "a.png")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text(
        "name: mine\ntaxonomy: {objects: [a]}\nimages: images\nsemantic: labels\n"
    )
    source = FolderSource(root="../data", description="mine.yaml")
    assert open_samples(source, folder=tmp_path / "recipes").names == ["a"]
