import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.class_folders import ClassFolderSamples
from mereo.data.taxonomy_file import load_taxonomy
from mereo.errors import BadInput


@pytest.fixture
def root(tmp_path):
    for split, names in {"train": ["banded", "dotted"], "val": ["banded", "woven"]}.items():
        for name in names:
            (tmp_path / "fabrics" / split / name).mkdir(parents=True)
            for number in range(2):
                Image.fromarray(np.zeros((3, 5, 3), np.uint8)).save(
                    tmp_path / "fabrics" / split / name / f"{number}.png"
                )
    return tmp_path / "fabrics"


def test_the_folder_is_the_texture_and_indices_agree_across_splits(root):
    train, val = ClassFolderSamples(root), ClassFolderSamples(root, split="val")
    assert train.taxonomy.textures.names == val.taxonomy.textures.names == ("banded", "dotted", "woven")
    assert [(sample.name, sample.texture) for sample in train][::2] == [("banded/0", 0), ("dotted/0", 1)]
    assert [sample.texture for sample in val] == [0, 0, 2, 2]
    assert val[0].size == (3, 5) and val[0].masks == {} and val[0].scene is None and val.raw_labels(0) == []
    assert train.fingerprint != val.fingerprint


def test_folders_may_be_scenes(root):
    samples = ClassFolderSamples(root, label="scene")
    assert samples.taxonomy.scenes.names == ("banded", "dotted", "woven") and samples.taxonomy.textures is None
    assert samples[2].scene == 1 and samples[2].texture is None


def test_a_given_taxonomy_decides(root):
    with pytest.raises(
        BadInput, match=r"named after one of the taxonomy's textures, but got \['dotted'\] in .*train; rename"
    ):
        ClassFolderSamples(root, taxonomy="textures")
    with pytest.raises(BadInput, match="taxonomy camvid must list textures, but got none"):
        ClassFolderSamples(root, taxonomy="camvid")
    assert len(load_taxonomy("textures").textures) == 10


def test_what_is_wrong_is_named(root):
    with pytest.raises(BadInput, match="split must be one of train, val, but got 'test'"):
        ClassFolderSamples(root, split="test")
    (root / "test" / "banded").mkdir(parents=True)
    with pytest.raises(BadInput, match="at least one image, but got none in .*test"):
        ClassFolderSamples(root, split="test")
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(root / "test" / "loose.png")
    with pytest.raises(BadInput, match="in a folder of their class, but got 'loose' and 0 others"):
        ClassFolderSamples(root, split="test")
