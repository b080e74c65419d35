import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.ade20k_format import Ade20kSamples, read_codes
from mereo.data.formats.ade20k_json import Ade20kAnnotation, read_annotation
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
NAMES = {300: "sky", 401: "car, auto", 1831: "person, individual", 3035: "wheel", 187: "bicycle, bike, wheel"}


def packed(code_and_instance: list[list[tuple[int, int]]]) -> Image.Image:
    rows = [[(code // 256 * 10, code % 256, instance) for code, instance in row] for row in code_and_instance]
    return Image.fromarray(np.array(rows, dtype=np.uint8))


def entry(number: int, code: int, *, level: int = 0, owner=None) -> dict:
    parts = {"hasparts": [], "ispartof": [] if owner is None else owner, "part_level": level}
    return {"id": number, "name": NAMES[code], "name_ndx": code, "parts": parts}


def write_annotation(root: Path, stem: str, entries: list[dict], scene=("outdoor", "street")) -> None:
    text = json.dumps({"annotation": {"object": entries, "scene": list(scene)}})
    (root / f"{stem}.json").write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "urban" / "street"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(folder / "ADE_1.jpg")
    packed([[(300, 10), (401, 20), (401, 30)], [(0, 0), (1831, 40), (401, 30)]]).save(folder / "ADE_1_seg.png")
    packed([[(0, 0), (3035, 20), (0, 0)], [(0, 0), (0, 0), (3035, 30)]]).save(folder / "ADE_1_parts_1.png")
    entries = [entry(0, 300), entry(1, 401), entry(2, 401), entry(3, 1831), entry(4, 3035, level=1, owner=1)]
    write_annotation(folder, "ADE_1", entries)
    return tmp_path


def test_codes_instances_parts_and_scene(root):
    samples = Ade20kSamples(root)
    taxonomy, sample = samples.taxonomy, samples[0]
    assert taxonomy.object_names == ["sky", "car", "person"] and taxonomy.is_thing == (False, True, True)
    assert samples.names == ["urban/street/ADE_1"]
    assert sample.semantic_HW.tolist() == [[0, 1, 1], [255, 2, 1]]
    assert sample.instances_HW.tolist() == [[0, 20, 30], [0, 40, 30]]
    assert taxonomy.parts.names == ("wheel",) and taxonomy.part_owners == (("car",),)
    assert sample.parts_HW.tolist() == [[255, 0, 255], [255, 255, 0]]
    assert taxonomy.scenes.names == ("street",) and sample.scene == 0
    kinds = [label.kind for label in samples.raw_labels(0)]
    assert kinds == ["objects", "parts"] and samples.raw_labels(0)[0].raw_HW.max() == 1831


def test_classes_that_share_a_first_synonym_keep_apart(root):
    folder = root / "urban" / "street"
    NAMES[500], NAMES[501] = "car, cable car", "car, auto"
    write_annotation(folder, "ADE_1", [entry(0, 300), entry(1, 401), entry(2, 500), entry(3, 501), entry(4, 1831)])
    names = Ade20kSamples(root).taxonomy.object_names
    assert names == ["sky", "car, auto (401)", "car, cable car", "car, auto (501)", "person"]


def test_a_class_list_chooses_and_the_rest_is_ignored(root, tmp_path):
    path = tmp_path / "chosen.yaml"
    path.write_text("name: chosen\nobjects: [person, {name: 'car, auto', thing: true}, unicorn]\n")
    sample = Ade20kSamples(root, taxonomy=path)[0]
    assert sample.semantic_HW.tolist() == [[255, 1, 1], [255, 0, 1]]
    assert sample.instances_HW.tolist() == [[0, 20, 30], [0, 0, 30]]
    assert sample.parts_HW is None and sample.scene is None
    path.write_text("name: chosen\nobjects: [unicorn]\n")
    with pytest.raises(
        BadInput, match="named as in ADE20K, but got none of unicorn in its JSON files; names there: sky"
    ):
        Ade20kSamples(root, taxonomy=path)


def test_a_picture_without_parts_is_ignored_there(root):
    (root / "urban" / "street" / "ADE_1_parts_1.png").unlink()
    assert Ade20kSamples(root)[0].parts_HW.unique().tolist() == [255]


def test_what_is_wrong_is_named(root, tmp_path):
    folder = root / "urban" / "street"
    write_annotation(folder, "ADE_1", [entry(0, 300), entry(1, 401)])
    with pytest.raises(
        BadInput, match=r"named in the picture's JSON, but got 1831 at pixel \(row 1, column 1\) in .*_seg"
    ):
        Ade20kSamples(root)[0]
    packed([[(300, 10), (401, 20)]]).save(folder / "ADE_1_seg.png")
    with pytest.raises(BadInput, match="but got 2x1 in .*_seg.png"):
        Ade20kSamples(root)[0]
    write_annotation(folder, "ADE_1", [])
    with pytest.raises(BadInput, match="must name at least one object"):
        Ade20kSamples(root)
    (folder / "ADE_1.json").write_text("{")
    with pytest.raises(BadInput, match="an annotation must be JSON, but got .*ADE_1.json"):
        Ade20kSamples(root)
    (folder / "ADE_1.json").write_text("{}")
    with pytest.raises(BadInput, match="annotation .*ADE_1.json must be valid, but got: annotation: Field required"):
        Ade20kSamples(root)
    (folder / "ADE_1.json").unlink()
    with pytest.raises(BadInput, match="must have a .json file beside it, but got none for 1: ADE_1"):
        Ade20kSamples(root)
    with pytest.raises(BadInput, match="an annotation must be readable, but got No such file"):
        read_annotation(folder / "ADE_1.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="must hold .*_seg.png files, but got none in .*empty"):
        Ade20kSamples(tmp_path / "empty")


def test_latin_1_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"annotation": {"object": [], "scene": ["caf\xe9"]}}')
    assert read_annotation(tmp_path / "a.json").scene_word == "café"
    assert Ade20kAnnotation(scene="street").scene_word == "street"
    assert Ade20kAnnotation(scene=["indoor", ""]).scene_word == "indoor"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_real_pictures():
    samples = Ade20kSamples(SHARED / "ade20k")
    assert samples.taxonomy.scenes.names == ("street",)
    car = samples.taxonomy.object_names.index("car")
    wheel = samples.taxonomy.parts.names.index("wheel")
    assert "car" in samples.taxonomy.part_owners[wheel]
    for sample, annotation in zip(samples, samples.annotations):
        codes, instances = read_codes(SHARED / "ade20k" / f"{sample.name}_seg.png")
        # Each object of level 0 in the JSON is one instance in the PNG.
        assert len(np.unique(instances)) - 1 == sum(one.level == 0 for one in annotation.object)
        assert ((sample.semantic_HW == car).numpy() == (codes == 401)).all()
    wheels = samples[0].parts_HW == wheel
    owners = samples[0].semantic_HW[wheels].unique().tolist()
    assert {samples.taxonomy.object_names[index] for index in owners if index != 255} <= {
        "car",
        "minibike",
        "truck",
        "van",
    }
