"""The recipes of segment sorting and of two branches: equal budgets; two steps each on drawn scenes, and an answer."""

from pathlib import Path

import pytest
import torch

from mereo.data.drawn_scenes import DrawnScenes
from mereo.evaluation.panoptic_evaluation import evaluate_panoptic
from mereo.parser.instances.instance_files import load_instance_parser
from mereo.parser.two_branches import LEAST_STUFF_PIXELS, TwoBranches
from mereo.parser.weights import load
from mereo.recipe.assemble import build_run
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe
from mereo.recipe.run_transfer import run_transfer
from mereo.recipe.transfer_recipe import build_transfer, load_transfer_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = [
    "train_data={format: drawn_scenes, count: 4, seed: 0, size: [64, 96]}",
    "val_data={format: drawn_scenes, count: 2, seed: 1, size: [64, 96]}",
    "augmentation.crop=[64, 96]",
    "training.steps=2",
    "training.batch_size=2",
    "training.num_workers=0",
    "training.device=cpu",
    "training.num_threads=1",
]
NO_WEIGHTS, NO_WEIGHTS_UNDER = "parser.backbone.weights=null", "transfer.backbone.weights=null"
# Of one data set: segment sorting, and the two branches that it is compared with.
TRIOS = [
    ("drawn_sorting", "drawn_semantic", "drawn_detector"),
    ("carparts_sorting", "carparts_semantic", "carparts_detector"),
    ("camvid_sorting_small", "camvid_semantic_small", "camvid_detector_small"),
]
OF_CAMVID = ["augmentation.working_side=null", "augmentation.rare_class_share=0"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "changes"),
    [("drawn_sorting", []), ("carparts_sorting", OF_CAMVID[:1]), ("camvid_sorting_small", OF_CAMVID)],
)
def test_two_steps_on_drawn_scenes(tmp_path: Path, recipe: str, changes: list[str]) -> None:
    path = RECIPES / f"{recipe}.yaml"
    report = run_recipe(
        load_recipe(path, [*SMALL, NO_WEIGHTS, *changes]), recipe_folder=path.parent, out=tmp_path / "run"
    )
    assert report.evaluation is not None and report.training.skipped_steps == 0
    found = evaluate_panoptic(load(report.folder), DrawnScenes(1, size=(64, 96)))
    assert found.num_images == 1 and 0 <= found.all.pq <= 1


@pytest.mark.parametrize(("sorting", "semantic", "detector"), TRIOS)
def test_all_three_see_the_same_pictures_from_the_same_start(sorting: str, semantic: str, detector: str) -> None:
    ours, classes = (load_recipe(RECIPES / f"{name}.yaml") for name in (sorting, semantic))
    things = load_transfer_recipe(RECIPES / "transfer" / f"{detector}.yaml")
    assert things.transfer.backbone is not None and things.transfer.preprocessing is not None
    backbones = (ours.parser.backbone, classes.parser.backbone, things.transfer.backbone)
    weights = [(RECIPES / folder / str(one.weights)).resolve() for folder, one in zip(("", "", "transfer"), backbones)]
    assert len(set(weights)) == 1 and len({one.output_stride for one in backbones}) == 1
    data = [
        {key: value for key, value in one.model_dump().items() if key != "root"}
        for recipe in (ours, classes, things)
        for one in (recipe.train_data,)
    ]
    assert data[0] == data[1] == data[2] and ours.val_data == classes.val_data
    assert ours.augmentation == classes.augmentation == things.augmentation
    settings = [one.training.model_dump(exclude={"schedule"}) for one in (ours, classes, things)]
    assert settings[0] == settings[1] == settings[2]
    assert len({tuple(one.training.schedule.model_dump().items()) for one in (ours, classes, things)}) == 1
    assert ours.parser.preprocessing == classes.parser.preprocessing
    assert ours.parser.preprocessing is not None
    assert (ours.parser.preprocessing.mean, ours.parser.preprocessing.std) == (
        things.transfer.preprocessing.mean,
        things.transfer.preprocessing.std,
    )
    assert ours.parser.preprocessing.working_side == things.augmentation.working_side
    head = ours.parser.heads[0]
    assert head.head == "segment_sorting" and head.convolution == "plain"
    assert head.least_stuff_pixels == LEAST_STUFF_PIXELS and head.width == things.detector.width == 128
    assert ours.protocol == classes.protocol


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trio", "changes"),
    [(TRIOS[0], []), (TRIOS[1], OF_CAMVID[:1]), (TRIOS[2], OF_CAMVID)],
    ids=["drawn", "carparts", "camvid"],
)
def test_two_steps_of_two_branches(tmp_path: Path, trio: tuple[str, str, str], changes: list[str]) -> None:
    semantic, detector = RECIPES / f"{trio[1]}.yaml", RECIPES / "transfer" / f"{trio[2]}.yaml"
    recipe = load_recipe(semantic, [*SMALL, NO_WEIGHTS, *changes])
    classes = run_recipe(recipe, recipe_folder=semantic.parent, out=tmp_path / "semantic")
    transfer = load_transfer_recipe(detector, [*SMALL, NO_WEIGHTS_UNDER, *changes])
    things = run_transfer(transfer, recipe_folder=detector.parent, out=tmp_path / "detector", num_pictures=0)
    assert classes.training.skipped_steps == things.training.skipped_steps == 0
    both = TwoBranches(load(classes.folder), load_instance_parser(things.folder / "last.safetensors"))
    found = evaluate_panoptic(both, DrawnScenes(1, size=(64, 96)))
    assert found.num_images == 1 and 0 <= found.all.pq <= 1


def test_a_detector_cuts_the_crops_that_a_parser_cuts() -> None:
    """Around rare classes, which both count in the training split."""
    changes = [*SMALL, "augmentation.rare_class_share=0.5"]
    transfer = load_transfer_recipe(RECIPES / "transfer" / "drawn_detector.yaml", [*changes, NO_WEIGHTS_UNDER])
    things = build_transfer(transfer, folder=RECIPES / "transfer")
    classes = build_run(load_recipe(RECIPES / "drawn_semantic.yaml", [*changes, NO_WEIGHTS]), folder=RECIPES)
    assert torch.equal(things.augment.pixels_K, classes.augment.pixels_K)
    torch.manual_seed(3)
    of_detector = things.augment(things.train_samples[0])
    torch.manual_seed(3)
    of_parser = classes.augment(classes.train_samples[0])
    assert torch.equal(of_detector.image_CHW, of_parser.image_CHW)
    assert torch.equal(of_detector.instances_HW, of_parser.instances_HW)
