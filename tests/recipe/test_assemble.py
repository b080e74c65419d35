"""From a recipe to built objects, on a folder of six tiny pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from mereo.data.joined_samples import sources_of_samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.parser.model_card import ModelCard
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, save_parser
from mereo.reasoning.cooccurrence import Cooccurrence
from mereo.reasoning.cooccurrence_file import write_cooccurrence
from mereo.recipe.assemble import build_run
from mereo.recipe.recipe import Recipe

DESCRIPTION = """\
name: tiny
taxonomy: {name: tiny, objects: [sky, road], ignored_ids: [255]}
images: "{split}/images"
semantic: "{split}/labels"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for index in range(3):
            label_HW = np.zeros((20, 30), dtype=np.uint8)
            label_HW[10:] = 1
            label_HW[:, :3] = 255
            image_HW3 = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            for kind, array in (("images", image_HW3), ("labels", label_HW)):
                path = tmp_path / "data" / split / kind / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    (tmp_path / "data" / "mereo.yaml").write_text(DESCRIPTION)
    return tmp_path


def recipe(**changes: Any) -> Recipe:
    content: dict[str, Any] = {
        "name": "tiny",
        "train_data": {"format": "folder", "root": "data"},
        "val_data": {"format": "folder", "root": "data", "split": "val"},
        "augmentation": {"crop": [16, 24]},
        "parser": {
            "backbone": {"name": "test_resnet.r160_in1k"},
            "path": [{"stage": "projection", "width": 8}],
        },
        "training": {"steps": 2},
    }
    return Recipe.model_validate(content | changes)


def test_everything_is_built(folder: Path) -> None:
    built = build_run(recipe(), folder=folder)
    assert len(built.train_samples) == 3 and built.val_samples is not None and len(built.val_samples) == 3
    assert built.parser.taxonomy.object_names == ["sky", "road"]
    assert built.augment(built.train_samples[0]).size == (16, 24)
    assert built.pixels_K is not None and built.pixels_K.tolist() == [3 * 10 * 27] * 2
    assert built.not_taken == ()


def test_samples_come_with_the_superpixels_that_a_stage_wants(folder: Path) -> None:
    plain = recipe()
    assert build_run(plain, folder=folder).train_samples[0].superpixels_HW is None
    grouping = {"stage": "deep_grouping", "width": 4, "max_regions": 9}
    parser = plain.parser.model_dump() | {"path": [grouping]}
    label_HW = build_run(recipe(parser=parser), folder=folder).train_samples[0].superpixels_HW
    assert label_HW is not None and 0 < int(label_HW.max()) < 9
    source = plain.train_data.model_dump()
    joined = {"format": "joined", "sources": {"one": source, "two": source}}
    samples = build_run(recipe(parser=parser, train_data=joined, val_data=None), folder=folder).train_samples
    assert len(sources_of_samples(samples)) == 2 and samples[5].superpixels_HW is not None
    with pytest.raises(ValidationError, match="Input should be 'watershed', 'slic' or 'felzenszwalb'"):
        recipe(parser=parser | {"path": [grouping | {"superpixels": "guess"}]})


@pytest.mark.parametrize(
    "changes",
    [
        {"losses": [{"loss": "pixel_cross_entropy", "class_balance": 0.5}]},
        {"augmentation": {"crop": [16, 24], "rare_class_share": 0.5}},
    ],
)
def test_drawn_scenes_are_counted_only_where_that_is_needed(tmp_path: Path, changes: dict[str, Any]) -> None:
    drawn = {"format": "drawn_scenes", "count": 1, "size": [32, 48]}
    built = build_run(recipe(train_data=drawn, val_data=None, **changes), folder=tmp_path)
    assert built.pixels_K is not None and 0 < int(built.pixels_K.sum()) <= 32 * 48
    assert build_run(recipe(train_data=drawn, val_data=None), folder=tmp_path).pixels_K is None


def test_a_parser_composed_in_python(folder: Path) -> None:
    made = []

    def compose(taxonomy: Taxonomy) -> SceneParser:
        made.append(recipe().parser.build(taxonomy))
        return made[0]

    assert build_run(recipe(), folder=folder, compose=compose).parser is made[0]


def test_no_validation(folder: Path) -> None:
    assert build_run(recipe(val_data=None), folder=folder).val_samples is None


def test_data_is_looked_at_before_the_parser_is_built(folder: Path) -> None:
    bad = recipe(train_data={"format": "folder", "root": "nowhere"}, parser={"backbone": {"name": "no_such_backbone"}})
    with pytest.raises(BadInput, match="a data root must be a folder, but got 'nowhere'"):
        build_run(bad, folder=folder)


def test_train_and_val_have_the_same_classes(folder: Path) -> None:
    (folder / "other.yaml").write_text(DESCRIPTION.replace("sky, road", "road, sky"))
    other = recipe(val_data={"format": "folder", "root": "data", "split": "val", "description": "other.yaml"})
    with pytest.raises(BadInput, match=r"train and val must have the same classes, but got \['sky', 'road'\] and"):
        build_run(other, folder=folder)


def test_scores_on_the_way_need_val_data(folder: Path) -> None:
    training = recipe().training.model_dump() | {"evaluate_every": 2}
    with pytest.raises(BadInput, match="evaluate_every must have val_data, but got none"):
        build_run(recipe(training=training, val_data=None), folder=folder)


def test_weights_to_start_from_are_found_beside_the_recipe(folder: Path) -> None:
    first = build_run(recipe(), folder=folder).parser
    save_parser(first, folder / "first.safetensors")
    second = build_run(recipe(start_from="first.safetensors"), folder=folder)
    state = second.parser.state_dict()
    assert second.not_taken == ()
    assert all(torch.equal(value, state[name]) for name, value in first.state_dict().items())


def test_what_starts_from_other_weights_stands_under_their_terms(folder: Path) -> None:
    card = {"title": "First", "terms": "research", "terms_notice": "only research"}
    first = build_run(recipe(card=card), folder=folder)
    save_parser(first.parser, folder / "first.safetensors")
    start = {"start_from": "first.safetensors"}
    second = build_run(recipe(**start), folder=folder).parser.card
    assert second == ModelCard(terms="research", terms_notice="only research")  # Whatever else it says is of the first.
    own = build_run(recipe(**start, card={"terms": "mine"}), folder=folder).parser.card
    assert own == ModelCard(terms="mine")
    assert build_run(recipe(), folder=folder).parser.card == ModelCard()


def affinity_recipe(counts: str | None = None, **changes: Any) -> Recipe:
    stage = {"stage": "class_affinity"} | ({} if counts is None else {"counts": counts})
    backbone = {"name": "test_resnet.r160_in1k"}
    return recipe(parser={"backbone": backbone, "path": [{"stage": "projection", "width": 8}, stage]}, **changes)


def test_edges_are_counted_on_the_training_split_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where weights come from elsewhere, or validation would leak through them."""
    monkeypatch.setenv("MEREO_CACHE", str(folder / "cache"))
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(folder / "data" / "train" / "labels" / "0.png")
    built = build_run(affinity_recipe(), folder=folder)
    assert built.parser.path[1].cooccurrence_KK.tolist() == [[3, 2], [2, 2]]
    built.parser.path[1].take_counts(torch.tensor([[9, 9], [9, 9]]))
    save_parser(built.parser, folder / "first.safetensors")
    second = build_run(affinity_recipe(start_from="first.safetensors"), folder=folder)
    assert second.parser.path[1].cooccurrence_KK.tolist() == [[3, 2], [2, 2]]


def test_edges_from_a_file_beside_the_recipe(folder: Path) -> None:
    counted = Cooccurrence(torch.tensor([[5, 1], [1, 4]]), ("sky", "road"), 8)
    write_cooccurrence(folder / "counts.safetensors", counted)
    asked = affinity_recipe("counts.safetensors")
    built = build_run(asked, folder=folder)
    assert built.parser.path[1].cooccurrence_KK.tolist() == [[5, 1], [1, 4]]
    # The saved parser brings its counts along and names no file.
    save_parser(built.parser, folder / "p.safetensors")
    (folder / "counts.safetensors").unlink()
    assert load(folder / "p.safetensors").path[1].cooccurrence_KK.tolist() == [[5, 1], [1, 4]]
    write_cooccurrence(folder / "counts.safetensors", Cooccurrence(counted.counts_KK, ("road", "sky"), 8))
    with pytest.raises(BadInput, match="class counts must be of the parser's classes, but got 'road' where the parser"):
        build_run(asked, folder=folder)


def test_joined_sources_count_where_objects_are_labelled(folder: Path) -> None:
    (folder / "joint.yaml").write_text("name: t\nobjects: [sky, road]\nignored_ids: [255]\ntextures: [woven]\n")
    text = DESCRIPTION.replace("{name: tiny, objects: [sky, road], ignored_ids: [255]}", "../joint.yaml")
    (folder / "data" / "mereo.yaml").write_text(text)
    (folder / "cloth" / "train" / "woven").mkdir(parents=True)
    Image.fromarray(np.full((20, 30, 3), 80, dtype=np.uint8)).save(folder / "cloth" / "train" / "woven" / "0.png")
    streets = {"format": "folder", "root": "data"}
    cloth = {"format": "class_folders", "root": "cloth", "taxonomy": "joint.yaml"}
    # The first source has no objects: what is counted does not hang on the order.
    joined = {"format": "joined", "taxonomy": "joint.yaml", "sources": {"cloth": cloth, "streets": streets}}
    built = build_run(
        recipe(
            train_data=joined,
            augmentation={"crop": [16, 24], "rare_class_share": 1.0},
            losses=[{"loss": "pixel_cross_entropy", "class_balance": 0.5}],
        ),
        folder=folder,
    )
    assert built.pixels_K is not None and built.pixels_K.tolist() == [3 * 10 * 27] * 2
    assert built.augment(built.train_samples[0]).texture == 0
    assert built.augment(built.train_samples[1]).semantic_HW is not None
    alone = joined | {"sources": {"cloth": cloth}}
    assert build_run(recipe(train_data=alone, val_data=None), folder=folder).pixels_K is None
