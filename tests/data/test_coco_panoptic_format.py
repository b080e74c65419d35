import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.coco_panoptic_format import CocoPanopticSamples
from mereo.data.formats.coco_panoptic_maps import read_segment_ids
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
IDS = np.array([[0, 1, 300], [70000, 1, 5]])
CONTENT = {
    "images": [{"id": 9, "file_name": "a.jpg", "height": 2, "width": 3}],
    "annotations": [
        {
            "image_id": 9,
            "file_name": "a.png",
            "segments_info": [
                {"id": 1, "category_id": 4, "iscrowd": 0, "area": 2},
                {"id": 300, "category_id": 4, "iscrowd": 0},
                {"id": 70000, "category_id": 7},
                {"id": 5, "category_id": 4, "iscrowd": 1},
            ],
        }
    ],
    "categories": [
        {"id": 7, "name": "sky", "isthing": 0, "color": [1, 2, 3]},
        {"id": 4, "name": "cat", "isthing": 1, "color": [255, 0, 16], "supercategory": "animal"},
    ],
}


def write_ids(path: Path, ids: np.ndarray) -> None:
    Image.fromarray(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "segments").mkdir()
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / "images" / "a.jpg")
    write_ids(tmp_path / "segments" / "a.png", IDS)
    return tmp_path


def opened(root: Path, content=CONTENT) -> CocoPanopticSamples:
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "panoptic.json").write_text(text)
    return CocoPanopticSamples(root / "panoptic.json", segments=root / "segments", images=root / "images")


def test_classes_things_and_crowds(root):
    samples = opened(root)
    taxonomy, sample = samples.taxonomy, samples[0]
    assert taxonomy.object_names == ["cat", "sky"] and taxonomy.is_thing == (True, False)
    assert taxonomy.objects.colours == ("#ff0010", "#010203")
    assert sample.semantic_HW.tolist() == [[255, 0, 0], [1, 0, 0]]
    # The crowd (5) is a cat, but no single one; the sky is no thing.
    assert sample.instances_HW.tolist() == [[0, 1, 300], [0, 1, 0]]
    assert samples.raw_labels(0)[0].raw_HW.tolist() == [[-1, 4, 4], [7, 4, 4]]


def test_a_segment_missing_in_the_json_is_named(root):
    write_ids(root / "segments" / "a.png", np.where(IDS == 300, 301, IDS))
    with pytest.raises(
        BadInput, match=r"listed among its segments, but got id 301 at pixel \(row 0, column 2\) in .*a.png"
    ):
        opened(root)[0]


def test_a_segment_missing_in_the_png_is_named(root):
    write_ids(root / "segments" / "a.png", np.where(IDS == 300, 0, IDS))
    with pytest.raises(BadInput, match="must have pixels, but got none of id 300 in .*a.png"):
        opened(root)[0]


def changed(path: list, value) -> dict:
    content = copy.deepcopy(CONTENT)
    at = content
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return content


SEGMENT = ["annotations", 0, "segments_info", 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed([*SEGMENT, "category_id"], 99), "one of categories, but got 99 for segment 300 of a.png"),
        (changed([*SEGMENT, "id"], 1), "segment id of a.png must occur once, but got 1 twice"),
        (changed([*SEGMENT, "id"], 0), "annotations.0.segments_info.1.id: Input should be greater than or equal to 1"),
        (changed(["categories", 1, "id"], 7), "category id must occur once, but got 7 twice"),
        (changed(["categories", 1, "name"], "sky"), "category name must occur once, but got 'sky' twice"),
        (changed(["images", 0, "id"], 10), "image_id must be one of images, but got 9"),
        (changed(["images"], CONTENT["images"] * 2), "image id must occur once"),
        (changed(["annotations"], CONTENT["annotations"] * 2), "annotated image_id must occur once"),
        (changed(["images", 0, "file_name"], "../secret.jpg"), "must stay inside its folder, but got '../secret.jpg'"),
        (changed(["annotations", 0, "file_name"], "/etc/x.png"), "must stay inside its folder"),
        (
            changed(["images", 0, "file_name"], "b.jpg"),
            "a file named in the annotations must exist, but got none in .*b.jpg",
        ),
        (changed(["annotations"], []), "at least one image, but got none"),
        ({"images": []}, "annotations: Field required"),
        ("[1, 2", "annotations must be JSON, but got .* in .*panoptic.json"),
        ("[1, 2]", "must be valid"),
        ("[" * 100_000, "annotations must be JSON"),
    ],
)
def test_bad_json_is_explained(root, content, message):
    with pytest.raises(BadInput, match=message):
        opened(root, content)


def test_other_files(root):
    with pytest.raises(BadInput, match="annotations must be a readable file, but got No such file"):
        CocoPanopticSamples(root / "no.json", segments=root, images=root)
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(root / "segments" / "a.png")
    with pytest.raises(BadInput, match="three channels, but got one in .*a.png"):
        opened(root)[0]
    write_ids(root / "segments" / "a.png", np.vstack([IDS, IDS]))
    with pytest.raises(BadInput, match="size 3x2 .*but got 3x4 in .*a.png"):
        opened(root)[0]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_real_segments_have_the_listed_areas():
    root = SHARED / "coco_panoptic"
    file = root / "panoptic_examples.json"
    samples = CocoPanopticSamples(file, segments=root / "panoptic_examples", images=root / "input_images")
    assert len(samples.taxonomy.objects) == 133 and sum(samples.taxonomy.is_thing) == 80
    for annotation in json.loads(file.read_text())["annotations"]:
        ids, areas = np.unique(
            read_segment_ids(root / "panoptic_examples" / annotation["file_name"]), return_counts=True
        )
        listed = {segment["id"]: segment["area"] for segment in annotation["segments_info"]}
        assert {int(i): int(a) for i, a in zip(ids, areas) if i} == listed
        sample = samples[samples.names.index(Path(annotation["file_name"]).stem)]
        names = {category["id"]: category["name"] for category in json.loads(file.read_text())["categories"]}
        ids_HW = read_segment_ids(root / "panoptic_examples" / annotation["file_name"])
        for segment in annotation["segments_info"]:
            index = sample.semantic_HW.numpy()[ids_HW == segment["id"]]
            assert {samples.taxonomy.object_names[i] for i in np.unique(index)} == {names[segment["category_id"]]}
