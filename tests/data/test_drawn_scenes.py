"""Drawn scenes: the same everywhere, and labels that agree with one another and with what was painted."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.data.drawn.labels import INSTANCE_SHIFT
from mereo.data.drawn_scenes import KINDS, DrawnScenes, draw_scene, drawn_taxonomy
from mereo.data.sample import Sample
from mereo.errors import BadInput

SMALL = (60, 80)


def digest(sample: Sample) -> str:
    content = sample.image_CHW.numpy().tobytes() + b"".join(mask.numpy().tobytes() for mask in sample.masks.values())
    return hashlib.sha256(content + str((sample.name, sample.scene)).encode()).hexdigest()


def check_labels(sample: Sample) -> None:
    """Everything that must hold of any scene."""
    taxonomy = drawn_taxonomy()
    assert taxonomy.parts and taxonomy.materials and taxonomy.textures
    semantic, instances = sample.semantic_HW.numpy(), sample.instances_HW.numpy()
    parts, materials, textures = sample.parts_HW.numpy(), sample.material_HW.numpy(), sample.texture_HW.numpy()
    assert semantic.min() >= 0 and semantic.max() < taxonomy.num_objects
    assert set(np.unique(parts)) <= {*range(len(taxonomy.parts)), taxonomy.parts.ignore_index}
    assert set(np.unique(materials)) <= {*range(len(taxonomy.materials)), taxonomy.materials.ignore_index}
    assert textures.min() >= 0 and textures.max() < len(taxonomy.textures)
    # Parts lie inside their owners.
    for part in set(np.unique(parts)) - {taxonomy.parts.ignore_index}:
        owners = {taxonomy.object_names[index] for index in np.unique(semantic[parts == part])}
        assert owners <= set(taxonomy.part_owners[part]), taxonomy.parts.names[part]
    # Things and only things have instances, numbered without gaps, each of one class.
    is_thing = np.array(taxonomy.is_thing)[semantic]
    assert ((instances > 0) == is_thing).all()
    ids = np.unique(instances[instances > 0])
    assert ids.tolist() == list(range(1, len(ids) + 1))
    assert all(len(np.unique(semantic[instances == one])) == 1 for one in ids)
    # Only the sky is made of nothing.
    assert ((materials == taxonomy.materials.ignore_index) == (semantic == taxonomy.object_names.index("sky"))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_labels_agree(kind: str) -> None:
    for index in range(6):
        sample = draw_scene(3, index, size=(120, 160), kind=kind)
        assert KINDS[sample.scene] == drawn_taxonomy().scenes.names[sample.scene] == kind
        assert sample.size == (120, 160)
        check_labels(sample)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70), width=st.integers(1, 90), index=st.integers(0, 10**6), kind=st.sampled_from(KINDS)
)  # fmt: skip
def test_every_size_works(height: int, width: int, index: int, kind: str) -> None:
    sample = draw_scene(1, index, size=(height, width), kind=kind)
    assert sample.size == (height, width)
    assert sample.image_CHW.shape == (3, height, width) and sample.image_CHW.numpy().dtype == np.uint8
    check_labels(sample)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (24, 700)])
@pytest.mark.parametrize("kind", KINDS)
def test_extreme_formats(size: tuple[int, int], kind: str) -> None:
    for index in range(4):
        check_labels(draw_scene(0, index, size=size, kind=kind))


@pytest.mark.slow
def test_a_large_scene() -> None:
    check_labels(draw_scene(0, 0, size=(768, 1024), kind="street"))


def test_the_same_arguments_draw_the_same_scene_in_any_order() -> None:
    first = [digest(draw_scene(5, index, size=SMALL)) for index in range(6)]
    again = [digest(draw_scene(5, index, size=SMALL)) for index in reversed(range(6))][::-1]
    assert first == again
    assert len(set(first)) == 6
    assert digest(draw_scene(6, 0, size=SMALL)) != first[0]
    assert digest(draw_scene(5, 0, size=SMALL, kind="room")) != digest(draw_scene(5, 0, size=SMALL, kind="field"))


def test_global_randomness_is_neither_used_nor_changed() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = digest(draw_scene(0, 0, size=SMALL))
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(2)
    assert digest(draw_scene(0, 0, size=SMALL)) == first


@pytest.mark.slow
def test_another_process_draws_the_same_bytes() -> None:
    script = (
        "import hashlib\n"
        "from mereo.data.drawn_scenes import draw_scene\n"
        "for index in range(3):\n"
        "    s = draw_scene(9, index, size=(60, 80))\n"
        "    content = s.image_CHW.numpy().tobytes() + b''.join(m.numpy().tobytes() for m in s.masks.values())\n"
        "    print(hashlib.sha256(content + str((s.name, s.scene)).encode()).hexdigest())\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "77"})
    assert result.stdout.split() == [digest(draw_scene(9, index, size=SMALL)) for index in range(3)]


@pytest.mark.slow
def test_every_class_of_every_table_occurs() -> None:
    taxonomy = drawn_taxonomy()
    tables = {"semantic_HW": "objects", "parts_HW": "parts", "material_HW": "materials", "texture_HW": "textures"}
    seen: dict[str, set[int]] = {field: set() for field in tables}
    scenes = set()
    for sample in (draw_scene(0, index, size=(120, 160)) for index in range(200)):
        scenes.add(sample.scene)
        for field in tables:
            seen[field] |= set(np.unique(getattr(sample, field).numpy()).tolist())
    assert scenes == {0, 1, 2}
    for field, name in tables.items():
        table = getattr(taxonomy, name)
        missing = [table.names[index] for index in range(len(table)) if index not in seen[field]]
        assert not missing, f"{name} never drawn in 200 scenes: {missing}"


def test_scenes_as_samples() -> None:
    samples = DrawnScenes(5, seed=2, size=SMALL, kinds=("room", "field"))
    assert len(samples) == 5 == len(list(samples))
    assert samples.names == ["room_00000", "field_00001", "room_00002", "field_00003", "room_00004"]
    assert [sample.name for sample in samples] == samples.names
    assert digest(samples[-1]) == digest(samples[4]) == digest(draw_scene(2, 4, size=SMALL, kind="room"))
    assert samples.taxonomy.object_names == drawn_taxonomy().object_names
    with pytest.raises(IndexError, match="must be one of 5, but got 5"):
        samples[5]


def test_the_fingerprint_knows_every_setting() -> None:
    variants = [
        DrawnScenes(5), DrawnScenes(6), DrawnScenes(5, seed=1), DrawnScenes(5, size=SMALL),
        DrawnScenes(5, kinds=("room",)), DrawnScenes(5, kinds=("room", "street")),
    ]  # fmt: skip
    assert len({samples.fingerprint for samples in variants}) == len(variants)
    assert DrawnScenes(5).fingerprint == DrawnScenes(5).fingerprint


def test_refusals() -> None:
    with pytest.raises(BadInput, match="size of drawn scenes must lie between 1x1 and 4096x4096, but got 0x240"):
        draw_scene(0, 0, size=(240, 0))
    with pytest.raises(BadInput, match="but got 5000x10"):
        DrawnScenes(1, size=(10, 5000))
    with pytest.raises(BadInput, match="kinds of scenes must be some of street, room, field, but got 'forest'"):
        draw_scene(0, 0, kind="forest")
    with pytest.raises(BadInput, match="kinds of scenes must be"):
        DrawnScenes(1, kinds=())
    with pytest.raises(BadInput, match="count of scenes must be at least 0, but got -1"):
        DrawnScenes(-1)


def test_the_taxonomy_is_built_in_and_complete() -> None:
    taxonomy = drawn_taxonomy()
    assert taxonomy.name == "drawn_scenes" and taxonomy.num_objects == 24
    assert taxonomy.parts and all(taxonomy.part_owners)
    assert taxonomy.num_objects < 256 and len(taxonomy.parts) < 255 and INSTANCE_SHIFT == 32
    assert set(taxonomy.parts_of("car")) == {"window", "door", "body", "wheel", "light"}
