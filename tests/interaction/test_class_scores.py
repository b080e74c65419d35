"""The score of a class of every task of a perceptual head, against its logits."""

import sys
from pathlib import Path

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
from mereo.interaction.class_scores import ClassScore, asked_class, class_score


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


@torch.no_grad()
def test_a_part_has_the_largest_of_its_logits_over_all_objects() -> None:
    parser = tiny_perceptual_parser()
    answers = parser(torch.from_numpy(random_image(32, 48)).permute(2, 0, 1)[None])
    slices, logits_BKhw = part_slices(parser.taxonomy), answers.prediction(PerceptualPrediction).part_logits_BKhw
    assert slices is not None and logits_BKhw is not None and parser.taxonomy.parts is not None
    entry_names = slices.names(parser.taxonomy)
    table = parser.taxonomy.parts.names
    by_part_Khw = torch.stack(
        [
            torch.stack([x for x, entry in zip(logits_BKhw[0], entry_names) if entry.split(": ")[1] == name]).amax(0)
            for name in table
        ]
    )
    for index, name in enumerate(table):
        found = class_score(answers, asked_class(f"part={name}", parser.taxonomy), parser.taxonomy)
        wins_hw = by_part_Khw.argmax(dim=0) == index
        of_part_hw = by_part_Khw[index]
        torch.testing.assert_close(found.score, of_part_hw[wins_hw].mean() if wins_hw.any() else of_part_hw.mean())


OWNERLESS = Taxonomy(
    "ownerless",
    LabelTable(("sky", "car")),
    parts=LabelTable(("knob", "wheel", "door")),
    part_owners=((), ("car",), ("car",)),
)


@torch.no_grad()
def test_a_part_that_no_object_has_wins_nowhere_and_hinders_no_other() -> None:
    parser = tiny_perceptual_parser(taxonomy=OWNERLESS)
    answers = parser(torch.from_numpy(random_image(32, 48)).permute(2, 0, 1)[None])
    part_logits_BKhw = answers.prediction(PerceptualPrediction).part_logits_BKhw
    assert part_logits_BKhw is not None
    of_part_2hw = part_logits_BKhw[0, 1:]  # Before the wheel and the door of the car stands its rest.
    shares = []
    for index, name in enumerate(("wheel", "door")):
        found = class_score(answers, asked_class(f"part={name}", OWNERLESS), OWNERLESS)
        wins_hw = of_part_2hw.argmax(dim=0) == index
        wanted = of_part_2hw[index][wins_hw].mean() if wins_hw.any() else of_part_2hw[index].mean()
        torch.testing.assert_close(found.score, wanted)
        shares.append(found.share)
    assert sum(shares) == pytest.approx(1)


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
    assert ClassScore(torch.tensor(1.0), wins_hw).share == 1 / 3
