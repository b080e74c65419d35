"""The recipes of segment sorting on drawn scenes: two steps each, an evaluation, a parser file that parses."""

from pathlib import Path

import pytest

from mereo.data.drawn_scenes import DrawnScenes
from mereo.evaluation.panoptic_evaluation import evaluate_panoptic
from mereo.parser.weights import load
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = [
    "train_data={format: drawn_scenes, count: 4, seed: 0, size: [64, 96]}",
    "val_data={format: drawn_scenes, count: 2, seed: 1, size: [64, 96]}",
    "augmentation.crop=[64, 96]",
    "parser.backbone.weights=null",
    "training.steps=2",
    "training.batch_size=2",
    "training.num_workers=0",
    "training.device=cpu",
    "training.num_threads=1",
]
OF_CAMVID = ["augmentation.working_side=null", "augmentation.rare_class_share=0"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "changes"),
    [("drawn_sorting", []), ("carparts_sorting", OF_CAMVID[:1]), ("camvid_sorting_small", OF_CAMVID)],
)
def test_two_steps_on_drawn_scenes(tmp_path: Path, recipe: str, changes: list[str]) -> None:
    path = RECIPES / f"{recipe}.yaml"
    report = run_recipe(load_recipe(path, [*SMALL, *changes]), recipe_folder=path.parent, out=tmp_path / "run")
    assert report.evaluation is not None and report.training.skipped_steps == 0
    found = evaluate_panoptic(load(report.folder), DrawnScenes(1, size=(64, 96)))
    assert found.num_images == 1 and 0 <= found.all.pq <= 1
