from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.voc_format import VocSamples
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def root(tmp_path):
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / "JPEGImages" / "a.jpg")
    for folder, values in {
        "SegmentationClass": [[0, 15, 255], [0, 7, 255]],
        "SegmentationObject": [[0, 1, 255], [0, 2, 255]],
    }.items():
        picture = Image.fromarray(np.array(values, np.uint8))
        picture.putpalette(list(range(256)) * 3)
        picture.save(tmp_path / folder / "a.png")
    (tmp_path / "ImageSets" / "Segmentation" / "train.txt").write_text("a\n")
    return tmp_path


def test_the_border_is_ignored_and_no_thing(root):
    samples = VocSamples(root)
    sample = samples[0]
    assert sample.semantic_HW.tolist() == [[0, 15, 255], [0, 7, 255]]
    assert sample.instances_HW.tolist() == [[0, 1, 0], [0, 2, 0]]
    assert samples.taxonomy.object_names[15] == "person" and samples.taxonomy.is_thing == (False,) + (True,) * 20
    assert samples.raw_labels(0)[0].raw_HW.tolist() == [[0, 15, 255], [0, 7, 255]]


def test_object_maps_may_be_absent(root):
    (root / "SegmentationObject" / "a.png").unlink()
    (root / "SegmentationObject").rmdir()
    assert VocSamples(root)[0].instances_HW is None


def test_what_is_wrong_is_named(root):
    with pytest.raises(BadInput, match="split must be one of train, but got 'val' in .*ImageSets"):
        VocSamples(root, split="val")
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("a\nb\n")
    with pytest.raises(BadInput, match="1 of 2 stems have no file for 'images': b"):
        VocSamples(root)
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("a\n")
    Image.fromarray(np.zeros((2, 4), np.uint8)).save(root / "SegmentationObject" / "a.png")
    with pytest.raises(BadInput, match="but got 4x2 in .*SegmentationObject"):
        VocSamples(root)[0]
    Image.fromarray(np.full((2, 3), 21, np.uint8)).save(root / "SegmentationClass" / "a.png")
    with pytest.raises(BadInput, match="but got 21 at pixel"):
        VocSamples(root)[0]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_real_objects_agree_with_the_annotations():
    """An object's number in the PNG is its place in the XML, so the class under it must be the one named there."""
    samples = VocSamples(SHARED / "voc2007")
    checked = 0
    for sample in samples:
        xml = ElementTree.parse(SHARED / "voc2007" / "Annotations" / f"{sample.name}.xml")
        names = [str(node.findtext("name")) for node in xml.findall("object")]
        for instance in set(sample.instances_HW.unique().tolist()) - {0}:
            classes = sample.semantic_HW[sample.instances_HW == instance].mode().values.item()
            assert samples.taxonomy.object_names[classes] == names[instance - 1]
            checked += 1
    assert checked > 40
