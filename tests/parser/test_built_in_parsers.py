"""The parsers inside the package: what they answer on a few real photographs, against what was measured once, and what
they say of themselves."""

import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from tiny_parser import random_image

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import pack_parser

from mereo.data.drawn_scenes import draw_scene
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.sample import Sample
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of
from mereo.interaction.clicks import group_photograph
from mereo.interaction.token_explanation import explain_tokens
from mereo.parser.model_card import ModelCard
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers, load

# Shares of right pixels on the first, the middle and the last picture of each val split. Another processor rounds
# otherwise, which moves few pixels.
TOLERANCE = 0.004
MEASURED = {
    ("street", "camvid", "semantic"): 0.9252,
    ("concepts", "camvid", "semantic"): 0.9279,
    ("everyday", "everyday_camvid", "semantic"): 0.9267,
    ("everyday", "everyday_facades", "semantic"): 0.8284,
    ("everyday", "everyday_facades", "parts"): 0.8210,
    ("everyday", "everyday_carparts", "semantic"): 1.0000,
    ("everyday", "everyday_carparts", "parts"): 0.8427,
    ("everyday", "everyday_clothes", "semantic"): 0.9783,
    ("everyday", "everyday_clothes", "materials"): 0.9058,
}

DRAWN_MEASURED = {"semantic": 0.8696, "materials": 0.8200}


def folder_of(shared_folder: Path, description: str) -> Path:
    folder = shared_folder / "data" / description.removeprefix("everyday_")
    if not folder.is_dir():
        pytest.skip(f"shared/data/{folder.name} is not there (real data for tests; not part of the package)")
    return folder


def right_share(parser: SceneParser, samples: Iterable[Sample], what: str) -> float:
    right = labelled = 0
    for sample in samples:
        labels = {"semantic": sample.semantic_HW, "parts": sample.parts_HW, "materials": sample.material_HW}[what]
        label_HW, answer_HW = np.asarray(labels), getattr(parser.parse(pixels_of(sample)), what)
        table = {
            "semantic": parser.taxonomy.objects,
            "parts": parser.taxonomy.parts,
            "materials": parser.taxonomy.materials,
        }[what]
        is_labelled_HW = label_HW != table.ignore_index
        right += int((label_HW == answer_HW)[is_labelled_HW].sum())
        labelled += int(is_labelled_HW.sum())
    return right / labelled


@pytest.mark.slow
@pytest.mark.parametrize(("name", "description", "what"), MEASURED, ids=" ".join)
def test_what_was_measured_is_still_answered(shared_folder: Path, name: str, description: str, what: str) -> None:
    samples = FolderSamples(folder_of(shared_folder, description), split="val", description=description)
    few = [samples[index] for index in (0, len(samples) // 2, len(samples) - 1)]
    assert right_share(load(name), few, what) == pytest.approx(MEASURED[name, description, what], abs=TOLERANCE)


@pytest.mark.parametrize("what", DRAWN_MEASURED)
def test_what_was_measured_of_drawn_scenes_is_still_answered(what: str) -> None:
    scenes = [draw_scene(1, index, size=(180, 240)) for index in range(3)]
    assert right_share(load("drawn"), scenes, what) == pytest.approx(DRAWN_MEASURED[what], abs=TOLERANCE)


def test_the_drawn_parser_answers_no_textures_and_tells_things_apart() -> None:
    parser = load("drawn")
    parse = parser.parse(pixels_of(draw_scene(1, 0, size=(180, 240))))
    assert parse.texture is None and parse.image_texture is None and parse.scene_name == "field"
    assert parse.instances is not None and group_photograph(parser, parse.image_HWC).num_levels == 4


def test_the_street_parser_knows_its_own_pictures_and_no_others(shared_folder: Path) -> None:
    parser = load("street")
    own = FolderSamples(folder_of(shared_folder, "camvid"), split="val", description="camvid")
    assert parser.parse(pixels_of(own[50])).warnings == ()
    odd = parser.parse(random_image(120, 160))
    assert odd.unfamiliarity is not None and odd.unfamiliarity > 1.5 and len(odd.warnings) == 1


def test_tokens_of_the_concepts_parser_look_at_one_class_each(shared_folder: Path) -> None:
    own = FolderSamples(folder_of(shared_folder, "camvid"), split="val", description="camvid")
    heaviest = explain_tokens(load("concepts"), pixels_of(own[40])).tokens[:10]
    assert statistics.median(token.classes[0][1] for token in heaviest) > 0.7


@pytest.mark.parametrize("name", built_in_parsers())
def test_each_has_terms_a_licence_and_knows_its_pictures(name: str) -> None:
    parser = load(name)
    terms = "free for any use" if name == "drawn" else "non-commercial research use"
    assert isinstance(parser.card, ModelCard) and terms in parser.card.terms and parser.card.measured
    assert parser.familiarity is not None and parser.familiarity.num_pictures == 200
    licence = built_in_parsers()[name].with_name(f"LICENSE-{name}.md").read_text(encoding="utf-8")
    assert f"`{name}.safetensors`" in licence and terms in licence


@pytest.mark.parametrize("name", built_in_parsers())
def test_each_is_small_enough_to_come_with_the_package(name: str) -> None:
    num_heads = len(load(name).heads)
    assert built_in_parsers()[name].stat().st_size <= pack_parser.most_bytes(num_heads)


def test_a_card_tells_the_stages_and_that_one_was_stopped() -> None:
    card = load("everyday").card
    assert card is not None and "stage 2: 1787 of 2200 steps, stage 3: 1200 steps" in card.trained_with
    assert card.trained_with.endswith("recipe everyday_sorting, 600 steps")


def test_the_card_says_how_many_images_each_task_was_measured_on() -> None:
    card = load("everyday").card
    told = "val: objects 313, parts 212, materials 313, scenes 103, textures 50 images"
    assert card is not None and card.measured_on == told


def test_the_default_groups_and_the_other_says_that_it_does_not() -> None:
    image_HWC = random_image(96, 128)
    assert group_photograph(load(DEFAULT_PARSER), image_HWC).num_levels == 4
    with pytest.raises(BadInput, match="a parser must have the stage deep_grouping on its path"):
        group_photograph(load("street"), image_HWC)
