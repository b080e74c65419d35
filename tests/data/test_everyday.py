"""The everyday taxonomy and its five sources: what stands in the files, against what the joint classes say of it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from mereo.data.formats.folder_description import load_description
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.joined_samples import JoinedSamples
from mereo.data.label_reading import read_raw_label
from mereo.data.palette import hex_to_rgb, perceived_N43
from mereo.data.sources import DataSource, JoinedSource, open_samples
from mereo.data.taxonomy import LabelTable
from mereo.data.taxonomy_file import load_taxonomy, taxonomy_from_dict, taxonomy_to_dict
from mereo.strict_yaml import load_yaml_file, validated

JOINT = load_taxonomy("everyday")
PLAIN = {"camvid": "camvid", "facades": "facades", "carparts": "carparts", "clothes": "clothes"}
# What the four data sets call their classes, where the joint taxonomy calls them otherwise.
OBJECT_OF = {"tree": "vegetation", "pedestrian": "person", "door": "building", "window": "building"}
MATERIAL_OF = {"road": "asphalt", "tree": "foliage", "vegetation": "foliage", "window": "glass", "jeans": "denim"}
MATERIAL_OF |= {name: name for name in ("sky", "skin", "hair")} | {"pole": "metal", "sign": "metal"}
METAL_PARTS = ("hood", "trunk", "tailgate")


class Holder(BaseModel):
    source: DataSource


def raw_classes(source: str) -> dict[int, str | None]:
    """Raw id -> what the data set itself calls it, from its own description."""
    loaded = load_description(Path("."), PLAIN[source])
    table = loaded.taxonomy.parts if source == "carparts" else loaded.taxonomy.objects
    assert table is not None
    return {raw: None if index is None else table.names[index] for raw, index in table.raw_to_index.items()}


def expected(source: str, own: str | None) -> tuple[str | None, str | None, str | None]:
    """Object, part and material of a pixel, from the name its data set gives it."""
    if own is None or own == "null":
        return ("background" if source == "clothes" else None), None, None
    if source == "carparts":
        metal = "metal" if own.endswith(METAL_PARTS) else None
        return "car", own, "glass" if own.endswith("glass") else metal
    if source == "clothes":
        return "person", own, MATERIAL_OF.get(own)
    part = {"building": "rest", "door": "door", "window": "window"}.get(own) if source == "facades" else None
    return OBJECT_OF.get(own, own), part, MATERIAL_OF.get(own)


@pytest.mark.parametrize("source", PLAIN)
def test_every_raw_id_means_what_its_data_set_says(source: str) -> None:
    loaded = load_description(Path("."), f"everyday_{source}")
    kinds = set(loaded.description.label_patterns)
    assert kinds == {"semantic", "materials"} | ({"parts"} if source != "camvid" else set())
    for raw, own in raw_classes(source).items():
        for task, name in zip(("objects", "parts", "materials"), expected(source, own), strict=True):
            table = getattr(loaded.taxonomy, task)
            if task == "parts" and source == "camvid":
                continue
            assert raw in table.raw_to_index, f"{raw} of {source} is missing among {task}"
            index = table.raw_to_index[raw]
            assert (None if index is None else table.names[index]) == name, (source, raw, own, task)
    for task in ("objects", "materials"):
        assert set(getattr(loaded.taxonomy, task).raw_to_index) == set(raw_classes(source))


def test_the_joint_classes() -> None:
    assert JOINT.has_rest and JOINT.parts is not None and JOINT.parts.names[:3] == ("rest", "door", "window")
    assert JOINT.part_indices_of("building") == (0, 1, 2)
    assert len(JOINT.part_indices_of("car")) == 1 + 18 and len(JOINT.part_indices_of("person")) == 1 + 58
    owned = {"building", "car", "person"}
    assert all(JOINT.part_indices_of(name) == () for name in JOINT.object_names if name not in owned)
    assert JOINT.derived == ("materials",) == taxonomy_from_dict(taxonomy_to_dict(JOINT)).derived
    for name in ("camvid", "facades", "carparts", "clothes", "scenes"):
        loaded = load_description(Path("."), f"everyday_{name}")
        assert loaded.taxonomy.object_names == JOINT.object_names


def opened(shared_folder: Path, repository: Path, key: str) -> JoinedSamples:
    recipe = load_yaml_file(repository / "recipes" / "everyday.yaml")
    source = validated(Holder, {"source": recipe[key]}, source="everyday").source
    assert isinstance(source, JoinedSource)
    samples = open_samples(source, folder=repository / "recipes")
    assert isinstance(samples, JoinedSamples)
    return samples


def test_the_recipe_opens(shared_folder: Path, repository: Path) -> None:
    train, val = opened(shared_folder, repository, "train_data"), opened(shared_folder, repository, "val_data")
    assert {name: len(source) for name, source in train.sources.items()} == {
        "camvid": 367, "facades": 626, "carparts": 290, "clothes": 400
    }  # fmt: skip
    assert {name: len(source) for name, source in val.sources.items()} == {
        "camvid": 101, "facades": 112, "scenes": 103, "carparts": 50, "clothes": 50, "textures": 50
    }  # fmt: skip
    kinds = {name: set(source[0].masks) for name, source in val.sources.items()}
    all_maps = {"semantic_HW", "parts_HW", "material_HW"}
    assert kinds == {
        "camvid": all_maps - {"parts_HW"}, "facades": all_maps, "scenes": set(), "carparts": all_maps,
        "clothes": all_maps, "textures": set(),
    }  # fmt: skip
    assert train.taxonomy == val.taxonomy == JOINT


def test_words_are_measured_on_streets_that_were_not_learned(shared_folder: Path, repository: Path) -> None:
    train, val = opened(shared_folder, repository, "train_data"), opened(shared_folder, repository, "val_data")
    facades, scenes = train.sources["facades"], val.sources["scenes"]
    assert isinstance(facades, FolderSamples) and isinstance(scenes, FolderSamples)
    learned = {name: word for name in facades.names if (word := facades.scene_of_stem.get(name)) is not None}
    measured = {name: scenes.scene_of_stem[name] for name in scenes.names}
    assert not set(learned) & set(measured) and len(learned) + len(measured) == 517
    assert len(set(learned.values())) >= 3 and len(set(measured.values())) >= 3
    assert set(measured.values()) <= set(learned.values())
    assert min(Counter(measured.values()).values()) >= 5
    # A street is on one side: all that stands before "__", but for the one folder of single photographs.
    streets = [{name.split("__")[0] for name in names if "256x256" not in name} for names in (learned, measured)]
    assert not streets[0] & streets[1]
    assert all(word is None for word in (sample.scene for sample in _some(val.sources["facades"])))


def _some(samples: object) -> list:
    return [samples[index] for index in range(0, len(samples), 40)]  # type: ignore[arg-type, index]


@pytest.mark.parametrize("source", PLAIN)
def test_pixels_of_real_pictures(shared_folder: Path, source: str) -> None:
    """A loop over the raw ids of one picture, through the names; the reader must agree pixel by pixel."""
    root = shared_folder / "data" / source
    samples = FolderSamples(root, split="val", description=f"everyday_{source}")
    index = len(samples) // 2
    sample, file = samples[index], samples.files[index]["semantic"]
    raw_HW, names = read_raw_label(file, is_colour_coded=False), raw_classes(source)
    fields = {"objects": "semantic_HW", "parts": "parts_HW", "materials": "material_HW"}
    for position, (task, field) in enumerate(fields.items()):
        got = sample.masks.get(field)
        if got is None:
            assert (source, task) == ("camvid", "parts")
            continue
        table = getattr(JOINT, task)
        wanted = np.full(raw_HW.shape, table.ignore_index)
        for raw in np.unique(raw_HW):
            name = expected(source, names[int(raw)])[position]
            if name is not None:
                wanted[raw_HW == raw] = table.names.index(name)
        assert (got.numpy() == wanted).all()


def smallest_distance(rgb_N3: np.ndarray) -> float:
    """The smallest Oklab distance between two colours of the list, over all four readers."""
    perceived = perceived_N43(rgb_N3)
    distances = np.linalg.norm(perceived[:, None] - perceived[None], axis=-1).min(axis=-1)
    return float(distances[~np.eye(len(rgb_N3), dtype=bool)].min())


def test_its_colours_stay_apart_for_every_reader() -> None:
    chosen = np.array([hex_to_rgb(colour) for colour in JOINT.objects.colours])
    made_up = np.array([hex_to_rgb(colour) for colour in LabelTable(JOINT.object_names).colours])
    assert smallest_distance(chosen) > smallest_distance(made_up) > 0.1
