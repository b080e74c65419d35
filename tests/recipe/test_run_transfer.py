"""Whole transfers: the loss falls, a broken run ends as an unbroken one, and what is left stands alone."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from small_transfer import small_transfer, write_transfer
from tiny_instance_parser import AFFINITY, PROJECTION, tiny_source

from mereo.data.drawn_scenes import DrawnScenes
from mereo.errors import BadInput
from mereo.parser.instances.instance_files import load_instance_parser
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import save_parser
from mereo.reasoning.concept_tokens import ConceptEvidence
from mereo.recipe.run_transfer import TransferReport, measure_transfer, run_transfer
from mereo.recipe.transfer_recipe import build_transfer, load_transfer_recipe

RECIPES = Path(__file__).parents[2] / "recipes" / "transfer"


def run(recipe: Path, out: Path, *overrides: str, is_resumed: bool = False, num_pictures: int = 0) -> TransferReport:
    return run_transfer(
        load_transfer_recipe(recipe, overrides),
        recipe_folder=recipe.parent,
        out=out,
        is_resumed=is_resumed,
        num_pictures=num_pictures,
    )


def losses(out: Path) -> list[float]:
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in ("metrics.jsonl", "last.safetensors")}


def drawn(folder: Path, **transfer: Any) -> Path:
    """On drawn rooms, from a parser file."""
    content = small_transfer(steps=20) | {
        "train_data": {"format": "drawn_scenes", "count": 4, "size": [48, 64], "kinds": ["room"]},
        "val_data": {"format": "drawn_scenes", "count": 2, "seed": 1, "size": [48, 64], "kinds": ["room"]},
        "augmentation": {"crop": [48, 64], "scale": [1, 1]},
        "transfer": transfer,
    }
    return write_transfer(folder, content)


def test_twenty_steps_lower_the_loss(tmp_path: Path) -> None:
    report = run(drawn(tmp_path, backbone={"name": "test_efficientnet"}, frozen_norms=False), tmp_path / "run")
    measured = losses(tmp_path / "run")
    assert len(measured) == 20 and np.mean(measured[-5:]) < 0.9 * np.mean(measured[:3])
    assert report.training.is_finished and not report.is_stopped
    assert report.evaluation is not None and report.evaluation.num_images == 2


@pytest.mark.slow
def test_things_are_learned_and_found(tmp_path: Path) -> None:
    """Two classes of coloured rectangles: most of them are found after 150 steps of a tiny random network."""
    recipe = write_transfer(tmp_path, small_transfer(steps=150, checkpoint_every=150))
    report = run(recipe, tmp_path / "run", "training.optimizer.kind=adamw", "training.optimizer.learning_rate=3e-3")
    assert report.evaluation is not None
    scores = report.evaluation.scores
    assert (scores.boxes.ap_50 or 0) > 0.5 and (scores.masks.ap_50 or 0) > 0.5
    assert report.evaluation.num_labelled == (6, 6)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_resumed_run_is_byte_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int) -> None:
    recipe = write_transfer(tmp_path, small_transfer())
    run(recipe, tmp_path / "whole")
    from mereo.training import loop

    class Killed(Exception):
        pass

    def kill_at_step(self: object, step: int, values: dict[str, float]) -> None:
        original(self, step, values)
        if step == stop_at:
            raise Killed

    original = loop.RunFolder.write_metrics
    with monkeypatch.context() as patch:
        patch.setattr(loop.RunFolder, "write_metrics", kill_at_step)
        with pytest.raises(Killed):
            run(recipe, tmp_path / "broken")
    run(recipe, tmp_path / "broken", is_resumed=True)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


def test_a_resumed_run_keeps_its_recipe(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer(steps=1))
    run(recipe, tmp_path / "run")
    with pytest.raises(BadInput, match=r"must keep its recipe, but got changes at detector\.width"):
        run(recipe, tmp_path / "run", "detector.width=8", is_resumed=True)
    with pytest.raises(BadInput, match="run folder must be new"):
        run(recipe, tmp_path / "run")


@pytest.mark.parametrize("pyramid", ["fpn", "c4"])
def test_a_parser_with_a_reasoner_transfers(tmp_path: Path, pyramid: str) -> None:
    """The classes of the parser are not those of the data; its reasoner keeps its own and is fine-tuned too."""
    source = tiny_source(PROJECTION, AFFINITY)
    save_parser(source, tmp_path / "source.safetensors", card=ModelCard(terms="research alone"))
    recipe = drawn(tmp_path, parser="source.safetensors")
    run(recipe, tmp_path / "run", "training.steps=2", f"detector.pyramid={pyramid}")
    (tmp_path / "source.safetensors").unlink()  # What is left needs it no more.
    parser = load_instance_parser(tmp_path / "run" / "last.safetensors")
    assert parser.card is not None and parser.card.terms == "research alone"
    scenes = DrawnScenes(1, size=(64, 96))
    assert parser.taxonomy == scenes.taxonomy and parser.preprocessing.mean == source.preprocessing.mean
    answers = parser(scenes[0].image_CHW[None])
    assert len(answers.evidence) == 1
    before, after = source.path.state_dict(), parser.path.state_dict()
    assert before.keys() == after.keys()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert any(name.startswith("1.") for name in changed), "the reasoner's weights"
    assert not any("running_" in name for name in changed), "frozen norms"


def test_concept_tokens_transfer(tmp_path: Path) -> None:
    """They go on gathering tokens under the detector, and the detector hears them: they are fine-tuned."""
    concepts = {"stage": "concept_tokens", "num_concepts": 6, "width": 8, "feedforward_width": 8, "num_heads": 2}
    source = tiny_source(PROJECTION, concepts)
    save_parser(source, tmp_path / "source.safetensors")
    overrides = ["training.steps=2", "training.optimizer.weight_decay=0"]  # What changes has a gradient.
    run(drawn(tmp_path, parser="source.safetensors"), tmp_path / "run", *overrides)
    parser = load_instance_parser(tmp_path / "run" / "last.safetensors")
    (evidence,) = parser(DrawnScenes(1, size=(64, 96))[0].image_CHW[None]).evidence
    assert isinstance(evidence, ConceptEvidence) and evidence.weight_BKHW.shape[1] == 6
    before, after = source.path.state_dict(), parser.path.state_dict()
    for name in ("1.concepts.weight", "1.widen.weight"):
        assert not torch.equal(before[name], after[name]), name


def test_only_the_first_stages_of_a_path_are_taken(tmp_path: Path) -> None:
    """Where a reasoner stands before the neck, the neck may be left with the head."""
    save_parser(tiny_source(AFFINITY, PROJECTION), tmp_path / "source.safetensors")
    recipe = drawn(tmp_path, parser="source.safetensors", stages=1)
    run(recipe, tmp_path / "run", "training.steps=1", "val_data=")
    parser = load_instance_parser(tmp_path / "run" / "last.safetensors")
    assert [type(stage).__name__ for stage in parser.path] == ["ClassAffinity"]
    assert parser.mask_rcnn.pyramid.levels == (1, 2, 4)


def test_what_is_left_is_measured_again(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer(steps=2, ema_decay=0.9))
    report = run(recipe, tmp_path / "run", num_pictures=2)
    first = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert set(first["boxes"]) == {"ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large"} == set(first["masks"])
    assert [row["name"] for row in first["classes"]] == ["red", "green"] and first["num_images"] == 6
    pictures = sorted((tmp_path / "run" / "pictures").iterdir())
    assert [path.name for path in pictures] == ["0.png", "1.png"]
    assert Image.open(pictures[0]).size == (64, 48)
    again = measure_transfer(tmp_path / "run", out=tmp_path / "again", device="cpu", num_pictures=1)
    second = json.loads((tmp_path / "again" / "evaluation.json").read_text())
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert report.evaluation is not None and again.scores == report.evaluation.scores
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["is_finished"] and facts["steps"] == 2


def test_ap_is_written_on_the_way_where_it_is_asked_for(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer(steps=2, evaluate_every=1))
    run(recipe, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "score" in row] == [1, 2]


def test_data_without_instances_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer())
    description = tmp_path / "data" / "mereo.yaml"
    kept = description.read_text()
    description.write_text(kept.replace("instances: '{split}/instances'\n", ""))
    with pytest.raises(BadInput, match="one of instances, but got no instances in 0; choose data with instances"):
        run(recipe, tmp_path / "run")
    description.write_text(kept.replace("thing: true", "thing: false"))
    with pytest.raises(BadInput, match="must name things to have instances, but got none in things"):
        run(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_train_and_val_must_agree(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer())
    with pytest.raises(BadInput, match="train and val must have the same classes"):
        run(recipe, tmp_path / "run", "val_data={format: drawn_scenes, count: 1}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("transfer.parser=street", "transfer must name a parser or a backbone, but got both"),
        ("transfer={}", "transfer must name a parser or a backbone, but got neither"),
        ("transfer={parser: street, preprocessing: {}}", "preprocessing must be the parser's own, but got another"),
        ("detector.pyramids=fpn", "key must be a known one, but got 'pyramids'; did you mean 'pyramid'?"),
        ("transfer.stages=1", "stages must be of a parser's path, but got a backbone alone; leave them out"),
        ("transfer={parser: street, stages: 9}", "the path must have the wanted stages, but got 1 of 9; ask for fewer"),
        ("transfer={parser: nowhere}", "parser must be a built-in name, a parser file or a run folder"),
    ],
)
def test_wrong_recipes_are_refused(tmp_path: Path, override: str, message: str) -> None:
    recipe = write_transfer(tmp_path, small_transfer())
    with pytest.raises(BadInput, match=message.replace("?", r"\?")):
        build_transfer(load_transfer_recipe(recipe, [override]), folder=tmp_path)


def test_an_unfinished_run_is_not_measured(tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer(steps=1))
    with pytest.raises(BadInput, match=r"must be finished, but got no last\.safetensors in"):
        measure_transfer(tmp_path, out=tmp_path, device="cpu", num_pictures=0)
    report = run(recipe, tmp_path / "run", "val_data=")
    assert report.evaluation is None and (tmp_path / "run" / "last.safetensors").is_file()
    with pytest.raises(BadInput, match="recipe must have val_data, but got none"):
        measure_transfer(tmp_path / "run", out=tmp_path, device="cpu", num_pictures=0)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_transfer_recipe_of_the_package_is_read(path: Path) -> None:
    assert load_transfer_recipe(path).name == path.stem


def test_two_steps_on_car_parts(tmp_path: Path, shared_folder: Path) -> None:
    if not (shared_folder / "data" / "carparts").is_dir():
        pytest.skip("shared/data/carparts is not there")
    recipe = RECIPES / "carparts_transfer.yaml"
    small = ["augmentation.crop=[96, 96]", "augmentation.working_side=96", "training.steps=2", "val_data="]
    small += ["training.num_workers=0", "detector.width=16", "training.device=cpu"]
    report = run(recipe, tmp_path / "run", *small)
    assert report.training.is_finished and len(losses(tmp_path / "run")) == 2
    parser = load_instance_parser(tmp_path / "run" / "last.safetensors")
    assert len(parser.thing_names) == 18 and parser.preprocessing.mean == (0.5, 0.5, 0.5)
