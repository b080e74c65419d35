"""The score of a class of every task of a perceptual head, against its logits."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import random_image
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.data.part_slices import part_slices
from mereo.heads.perceptual import PerceptualPrediction
from mereo.interaction.class_scores import asked_class, class_score


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
