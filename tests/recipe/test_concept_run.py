"""A run with concept tokens: the picture of the matching goes to TensorBoard, a step that is NaN is skipped."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
sys.path.insert(0, str(Path(__file__).parents[1] / "interaction"))
from small_run import small_recipe, write_recipe
from test_token_evaluation import sample
from test_token_explanation import CONCEPTS, NODES, token_parser

from mereo.evaluation.evaluate import pixels_of
from mereo.interaction.token_explanation import explain_tokens
from mereo.parser.objective import build_objective
from mereo.parser.terms.concept_terms import ConceptRegionsConfig
from mereo.recipe.matching_pictures import matching_pictures
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import RunReport, run_recipe
from mereo.training import loop


def concept_run(folder: Path, **training: Any) -> RunReport:
    content = small_recipe(**training)
    content["parser"]["path"].append(CONCEPTS)
    content["losses"].append({"loss": "concept_regions", "total": 4})
    path = write_recipe(folder, content)
    return run_recipe(load_recipe(path), recipe_folder=folder, out=folder / "run")


def test_the_matching_is_drawn_whenever_the_run_is_scored(tmp_path: Path) -> None:
    report = concept_run(tmp_path, steps=2, evaluate_every=1)
    found = EventAccumulator(str(report.folder), size_guidance={"images": 0}).Reload()
    drawn = found.Images("concepts_of_components")
    assert [event.step for event in drawn] == [1, 2] == [event.step for event in found.Scalars("score")]
    assert all(event.height > 100 and event.width > 100 for event in drawn)


def test_concepts_are_drawn_wherever_their_stage_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes behind the concepts are tokens, too, but nothing that was trained on components."""
    parser, drawn = token_parser(CONCEPTS, NODES | {"num_nodes": 4}), []
    objective = build_objective((ConceptRegionsConfig(),), parser)
    monkeypatch.setattr(
        "mereo.recipe.matching_pictures.draw_matching_with_labels",
        lambda image_HWC, probability_Khw, *arguments, **options: drawn.append(probability_Khw),
    )
    pictures = matching_pictures(parser, objective, sample(0))
    assert list(pictures) == ["concepts_of_components"]
    (concept_Khw,) = drawn
    wanted_Khw = explain_tokens(parser, pixels_of(sample(0))).concept_Khw
    np.testing.assert_array_equal(concept_Khw, wanted_Khw)
    next(parser.backbone.parameters()).data.fill_(math.nan)
    assert matching_pictures(parser, objective, sample(0)) == {}, "a picture ends no run"


def test_a_step_that_is_nan_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = loop.StepModule.forward, []

    def sometimes_nan(self: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        calls.append(1)
        return original(self, {**tensors, "image_BCHW": tensors["image_BCHW"] * (math.nan if len(calls) == 2 else 1.0)})

    monkeypatch.setattr(loop.StepModule, "forward", sometimes_nan)
    report = concept_run(tmp_path, steps=3)
    rows = [json.loads(line) for line in (report.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["skipped_steps"] for row in rows] == [0, 1, 1] and report.training.is_finished
    assert ["concept_regions" in row for row in rows] == [True, False, True]
