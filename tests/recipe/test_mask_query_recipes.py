"""The MaskFormer recipe on drawn scenes instead of CamVid: two steps, an evaluation, a parser file that parses."""

from pathlib import Path

import numpy as np
import pytest

from mereo.parser.weights import load
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "camvid_maskformer_small.yaml"
SMALL = [
    "train_data={format: drawn_scenes, count: 4, seed: 0, size: [64, 96]}",
    "val_data={format: drawn_scenes, count: 2, seed: 1, size: [64, 96]}",
    "augmentation.crop=[64, 96]",
    "augmentation.working_side=null",
    "augmentation.rare_class_share=0",
    "parser.backbone.weights=null",
    "training.steps=2",
    "training.batch_size=2",
    "training.num_workers=0",
    "training.device=cpu",
    "training.num_threads=1",
]
HEADS = {
    "maskformer": [],
    "mask2former, panoptic": [
        "parser.heads=[{head: mask2former, width: 32, num_queries: 10, num_layers: 3, num_pixel_layers: 1, "
        "inner_width: 32, pixel_inner_width: 32, answers: panoptic}]",
        "losses=[{loss: mask_queries, targets: panoptic, num_points: 200}]",
    ],
}


@pytest.mark.parametrize("head", HEADS)
def test_two_steps_on_drawn_scenes(tmp_path: Path, head: str) -> None:
    recipe = load_recipe(RECIPE, [*SMALL, *HEADS[head]])
    report = run_recipe(recipe, recipe_folder=RECIPE.parent, out=tmp_path / "run")
    assert report.evaluation is not None and report.training.skipped_steps == 0
    parse = load(report.folder).parse(np.zeros((40, 60, 3), dtype=np.uint8))
    assert parse.semantic.shape == (40, 60)
    assert (parse.instances is not None) == ("panoptic" in head)
