"""Every label of a small Broden+ is what was written into it."""

from pathlib import Path

import numpy as np
import pytest
from broden_folder import SIZE, codes, halves, write_broden
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from mereo.data.formats.broden_format import BrodenSamples
from mereo.data.formats.broden_pascal import part_word, read_part_map, read_part_words
from mereo.data.parts_of_owners import parts_of_owners
from mereo.data.sources import BrodenSource, JoinedSource, open_samples
from mereo.errors import BadInput


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_broden(tmp_path)


def test_the_taxonomy_is_made_of_the_lists(root: Path) -> None:
    taxonomy = BrodenSamples(root).taxonomy
    assert taxonomy.object_names == ["sky", "car", "horse", "mouse (4)", "mouse (5)"]
    assert taxonomy.parts is not None and taxonomy.parts.names == ("rest", "wheel", "door", "leg")
    assert taxonomy.part_indices_of("car") == (0, 1, 2) and taxonomy.part_indices_of("horse") == (0, 3)
    assert taxonomy.materials is not None and taxonomy.materials.names == ("wood", "glass")
    assert taxonomy.scenes is not None and taxonomy.textures is not None and len(taxonomy.textures) == 2


def test_as_many_classes_as_the_paper_has(root: Path) -> None:
    """335 objects, 152 parts and rest, 25 materials, 365 scenes, 47 textures; void objects need a wide ignore index."""
    sizes = {"object": 335, "part": 152, "material": 25, "scene": 365, "texture": 47}
    for kind, size in sizes.items():
        has_void = kind in ("object", "part", "material")
        names = (["-"] if has_void else []) + [f"{kind} {index}" for index in range(size)]
        rows = "".join(f"{label},{name}\n" for label, name in enumerate(names))
        (root / "meta_file" / f"{kind}.csv").write_text(f"label,name\n{rows}")
    samples = BrodenSamples(root)
    taxonomy, sample = samples.taxonomy, samples[0]
    tables = (taxonomy.objects, taxonomy.parts, taxonomy.materials, taxonomy.scenes, taxonomy.textures)
    assert [len(table) for table in tables if table is not None] == [335, 153, 25, 365, 47]
    codes(samples.files[0].with_name("a1_seg.png"), halves(402, 300))
    assert sample.parts_HW is not None and samples[0].semantic_HW is not None
    assert samples[0].semantic_HW[0].tolist() == [65535] * 3 + [0] * 3


def test_objects_parts_and_scene_of_ade20k(root: Path) -> None:
    samples = BrodenSamples(root)
    assert samples.names == ["ade20k/a1", "ade20k/a2", "pascal/p1"] and len(samples) == 3
    sample = samples[0]
    assert sample.semantic_HW is not None and sample.semantic_HW[0].tolist() == [0, 0, 0, 1, 1, 1]
    assert sample.parts_HW is not None and sample.parts_HW[:, :3].unique().tolist() == [255]
    # No part and a part that no list knows are rest; then door, then wheel.
    assert sample.parts_HW[:, 3].tolist() == [0, 0, 2, 1]
    assert sample.scene == 0
    without = samples[1]
    assert without.scene is None and without.parts_HW is not None and without.parts_HW.unique().tolist() == [255]
    assert [sample.name for sample in BrodenSamples(root, split="val")] == ["ade20k/a2"]


def test_objects_and_parts_of_pascal(root: Path) -> None:
    sample = BrodenSamples(root)[2]
    assert sample.semantic_HW is not None and sample.semantic_HW[0].tolist() == [2, 2, 2, 0, 0, 0]
    assert sample.parts_HW is not None and sample.parts_HW[3].tolist() == [3, 3, 0, 255, 255, 255]
    assert sample.parts_HW[0].tolist() == [0, 0, 0, 255, 255, 255] and sample.scene is None


def test_one_thing_with_one_part(tmp_path: Path) -> None:
    """MATLAB's lists of one are no lists."""
    part = {"part_name": "leg_2", "mask": halves(0, 1).astype(np.uint8)}
    savemat(tmp_path / "one.mat", {"anno": {"objects": {"class_ind": 13, "parts": part}}})
    part_HW = read_part_map(tmp_path / "one.mat", size=SIZE, part_words={}, part_of_word={"leg": 3})
    assert (part_HW == halves(0, 3)).all()
    with pytest.raises(BadInput, match="objects with parts and masks of the picture's size, but got ValueError in"):
        read_part_map(tmp_path / "one.mat", size=(4, 7), part_words={}, part_of_word={"leg": 3})


def test_words_of_parts(root: Path) -> None:
    words = read_part_words(root / "broden_dataset" / "pascal" / "part" / "part2ind.m")
    assert words == {"lfuleg": "leg", "leg": "leg", "lfho": "hoof"}
    assert part_word("right back lower leg") == "leg" and part_word("bwheel") == "wheel"


def test_materials_are_brought_to_the_photograph(root: Path) -> None:
    (sample,) = BrodenSamples(root, labels="materials")
    assert sample.material_HW is not None and sample.semantic_HW is None
    assert sample.material_HW.tolist() == [[255] * 6] + [[0, 0, 0, 1, 1, 1]] * 3


def test_textures_are_folders(root: Path) -> None:
    samples = BrodenSamples(root, labels="textures")
    assert [(sample.name, sample.texture) for sample in samples] == [("dtd/w1", 1), ("dtd/b1", 0)]
    assert samples[0].masks == {}


def test_the_lists_are_joined(root: Path) -> None:
    sources = {name: BrodenSource(root=str(root), labels=name) for name in ("objects", "materials", "textures")}
    samples = open_samples(JoinedSource(sources=sources))
    assert len(samples) == 6 and samples.names[3] == "materials/os/12" and samples.taxonomy.name == "broden_plus"
    assert samples.fingerprint == open_samples(JoinedSource(sources=sources)).fingerprint


@given(st.data())
def test_parts_against_a_loop(data: st.DataObject) -> None:
    objects, parts = st.sampled_from([0, 1, 2, 255]), st.integers(0, 3)
    object_HW = np.array(data.draw(st.lists(st.lists(objects, min_size=4, max_size=4), min_size=3, max_size=3)))
    part_HW = np.array(data.draw(st.lists(st.lists(parts, min_size=4, max_size=4), min_size=3, max_size=3)))
    own = {0: data.draw(st.sets(st.integers(1, 3))), 1: data.draw(st.sets(st.integers(1, 3))), 2: set()}
    is_part_of_KP = np.array([[part in own[k] for part in range(4)] for k in range(3)])
    wanted = np.full((3, 4), 255)
    for row in range(3):
        for column in range(4):
            owner = int(object_HW[row, column])
            drawn = {int(p) for p, o in zip(part_HW.flat, object_HW.flat) if o == owner} & own.get(owner, set())
            if drawn:
                wanted[row, column] = part_HW[row, column] if int(part_HW[row, column]) in own[owner] else 0
    assert (parts_of_owners(object_HW, part_HW, is_part_of_KP, ignore_index=255) == wanted).all()
