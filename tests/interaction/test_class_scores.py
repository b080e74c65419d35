"""The score of a class of every task of a perceptual head, against its logits."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import random_image
from tiny_perceptual_parser import tiny_perceptual_parser
from without_doubles import WithoutDoubles

from mereo.data.part_slices import part_slices
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.heads.perceptual import PerceptualPrediction
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.interaction.class_scores import ClassScore, asked_class, class_score
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneAnswers, SceneParser


@torch.no_grad()
@pytest.mark.parametrize("task", ["object", "material", "texture", "scene"])
def test_classes_of_every_task(task: str) -> None:
    parser = tiny_perceptual_parser()
    answers = parser(torch.from_numpy(random_image(32, 48)).permute(2, 0, 1)[None])
    prediction = answers.prediction(PerceptualPrediction)
    logits = {
        "object": prediction.object_logits_BKhw,
        "material": prediction.material_logits_BKhw,
        "texture": prediction.texture_logits_BK,
        "scene": prediction.scene_logits_BK,
    }[task][0]
    table = {"object": "objects", "material": "materials", "texture": "textures", "scene": "scenes"}[task]
    for index, name in enumerate(getattr(parser.taxonomy, table).names):
        found = class_score(answers, asked_class(f"{task}={name}", parser.taxonomy), parser.taxonomy)
        wins = logits.argmax(dim=0) == index
        wanted = logits[index][wins].mean() if wins.any() else logits[index].mean()
        torch.testing.assert_close(found.score, wanted)
        assert found.share == pytest.approx(float(wins.float().mean()))


PART_LABELS = ("sky", "car", "bus", "house")
WITHOUT_REST = Taxonomy(
    "without rest",
    LabelTable(PART_LABELS),
    parts=LabelTable(("wheel", "door", "roof")),
    part_owners=(("car", "bus"), ("car", "house"), ("house",)),
)
WITH_REST = Taxonomy(
    "with rest",
    LabelTable(PART_LABELS),
    parts=LabelTable(("rest", "wheel", "door", "roof")),
    part_owners=((), ("car", "bus"), ("car", "house"), ("house",)),
)


def answers_to(parser: SceneParser, image_HWC: np.ndarray) -> SceneAnswers:
    """Of the slices each has a level of its own, which no loss would see."""
    answers = parser(torch.from_numpy(image_HWC).permute(2, 0, 1)[None])
    prediction, slices = answers.prediction(PerceptualPrediction), part_slices(parser.taxonomy)
    assert slices is not None and prediction.part_logits_BKhw is not None
    for (start, stop), level in zip(slices.spans, (50.0, -200.0, 100.0)):
        prediction.part_logits_BKhw[:, start:stop] += level
    return answers


def part_by_a_loop(answers: SceneAnswers, name: str, taxonomy: Taxonomy) -> tuple[float, np.ndarray]:
    """Each cell's object is the largest of the objects' logits, its part the largest of this object's own entries."""
    prediction = answers.prediction(PerceptualPrediction)
    assert taxonomy.parts is not None and prediction.part_logits_BKhw is not None
    objects = prediction.object_logits_BKhw[0].numpy()
    parts = prediction.part_logits_BKhw[0].numpy()
    rows: dict[str, list[tuple[str, int]]] = {}
    at = 0
    for thing in taxonomy.object_names:
        named = taxonomy.parts_of(thing)
        if named:
            rows[thing] = [(one, at + place) for place, one in enumerate(("rest", *named))]
            at += len(rows[thing])
    assert at == len(parts)
    wins_hw = np.zeros(objects.shape[1:], dtype=bool)
    where_it_wins, of_owners, everywhere = [], [], []
    for y, x in np.ndindex(wins_hw.shape):
        row = rows.get(taxonomy.object_names[int(objects[:, y, x].argmax())], [])
        winner = max(row, key=lambda one: parts[one[1], y, x])[0] if row else None
        wins_hw[y, x] = winner == name
        own = [float(parts[entry, y, x]) for one, entry in row if one == name]
        of_owners += own
        where_it_wins += own if winner == name else []
        everywhere += [float(parts[entry, y, x]) for row in rows.values() for one, entry in row if one == name]
    asked = where_it_wins or of_owners or everywhere
    return sum(asked) / len(asked), wins_hw


@torch.no_grad()
@pytest.mark.parametrize("taxonomy", [WITHOUT_REST, WITH_REST], ids=["without rest", "with rest"])
def test_a_part_wins_within_its_object_whatever_the_levels_of_other_slices(taxonomy: Taxonomy) -> None:
    parser = tiny_perceptual_parser(taxonomy=taxonomy)
    assert taxonomy.parts is not None
    answers, num_winners = answers_to(parser, random_image(64, 96)), 0
    for name in taxonomy.parts.names:
        found = class_score(answers, asked_class(f"part={name}", taxonomy), taxonomy)
        score, wins_hw = part_by_a_loop(answers, name, taxonomy)
        np.testing.assert_array_equal(found.wins_hw.numpy(), wins_hw)
        assert float(found.score) == pytest.approx(score, rel=1e-5)
        num_winners += wins_hw.any()
    assert num_winners >= 2


@torch.no_grad()
@pytest.mark.parametrize("strong", ["rest", "sky"])
def test_a_part_that_wins_nowhere(strong: str) -> None:
    """Asked over its owners' cells; in a picture without an owner over all cells and all of its entries."""
    parser = tiny_perceptual_parser(taxonomy=WITH_REST)
    bias_K = parser.heads[0].part.bias if strong == "rest" else parser.heads[0].object.bias
    bias_K[[0, 3, 5] if strong == "rest" else 0] += 1000  # The rests of the three slices, or the sky.
    answers = answers_to(parser, random_image(64, 96))
    found = class_score(answers, asked_class("part=wheel", WITH_REST), WITH_REST)
    score, wins_hw = part_by_a_loop(answers, "wheel", WITH_REST)
    assert not wins_hw.any() and found.share == 0 and float(found.score) == pytest.approx(score, rel=1e-5)
    object_hw = answers.prediction(PerceptualPrediction).object_logits_BKhw[0].argmax(dim=0)
    is_owner_hw = (object_hw == 1) | (object_hw == 2)
    assert bool(is_owner_hw.any()) == (strong == "rest")
    assert torch.equal(found.asked_hw, is_owner_hw if strong == "rest" else torch.ones_like(is_owner_hw))


@torch.no_grad()
@pytest.mark.parametrize("taxonomy", [WITHOUT_REST, WITH_REST], ids=["without rest", "with rest"])
def test_a_part_wins_where_a_parse_has_it(taxonomy: Taxonomy) -> None:
    """Of a photograph five times as large as the grid: the middle of each cell's pixels has what the cell has."""
    parser, image_HWC = tiny_perceptual_parser(taxonomy=taxonomy), random_image(150, 180)
    parser.preprocessing = PreprocessingConfig(working_side=72)
    parse, answers = parser.parse(image_HWC), parser(prepared_image(parser, image_HWC, (60, 72)))
    assert parse.parts is not None and taxonomy.parts is not None
    parts_hw = parse.parts[2::5, 2::5]
    for index, name in enumerate(taxonomy.parts.names):
        found = class_score(answers, asked_class(f"part={name}", taxonomy), taxonomy)
        np.testing.assert_array_equal(found.wins_hw.numpy(), parts_hw == index)
    assert len(np.unique(parts_hw)) >= 3


@torch.no_grad()
def test_parts_of_objects_that_another_head_says() -> None:
    """On the grid of the parts, whatever that of the objects is."""
    parser = tiny_perceptual_parser(taxonomy=WITH_REST)
    answers = answers_to(parser, random_image(64, 96))
    object_logits_BKhw = torch.full((1, 4, 2, 2), -1.0)
    object_logits_BKhw[0, 1] = 1.0  # A car everywhere.
    others = replace(answers, predictions=(PixelClassesPrediction(object_logits_BKhw), *answers.predictions))
    shares = [
        class_score(others, asked_class(f"part={name}", WITH_REST), WITH_REST).share
        for name in ("rest", "wheel", "door", "roof")
    ]
    assert sum(shares) == pytest.approx(1) and shares[3] == 0


OWNERLESS = Taxonomy(
    "ownerless",
    LabelTable(("sky", "car")),
    parts=LabelTable(("knob", "wheel", "door")),
    part_owners=((), ("car",), ("car",)),
)


@torch.no_grad()
def test_a_part_that_no_object_has_hinders_no_other() -> None:
    parser = tiny_perceptual_parser(taxonomy=OWNERLESS)
    answers = parser(torch.from_numpy(random_image(32, 48)).permute(2, 0, 1)[None])
    for name in ("wheel", "door"):
        found = class_score(answers, asked_class(f"part={name}", OWNERLESS), OWNERLESS)
        score, wins_hw = part_by_a_loop(answers, name, OWNERLESS)
        assert float(found.score) == pytest.approx(score, rel=1e-5)
        np.testing.assert_array_equal(found.wins_hw.numpy(), wins_hw)


def test_a_part_that_no_object_has_cannot_be_asked_about() -> None:
    with pytest.raises(
        BadInput, match="must be one of an object's, but got 'knob', which no object has; known are wheel, door"
    ):
        asked_class("part=knob", OWNERLESS)
    nobody = Taxonomy("nobody", LabelTable(("sky",)), parts=LabelTable(("knob",)))
    with pytest.raises(BadInput, match="but got 'knob', which no object has; ask about object"):
        asked_class("part=knob", nobody)


def test_the_share_needs_no_float64_on_the_device() -> None:
    wins_hw = torch.tensor([[True, False, False]]).as_subclass(WithoutDoubles)
    assert ClassScore(torch.tensor(1.0), wins_hw, wins_hw).share == 1 / 3
