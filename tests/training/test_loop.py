import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_run import small_recipe, write_recipe

from mereo.errors import BadInput
from mereo.parser.weights import load
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import RunReport, run_recipe
from mereo.training import loop


def run(tmp_path: Path, *, name: str = "run", **training: Any) -> RunReport:
    recipe = write_recipe(tmp_path, small_recipe(**training))
    return run_recipe(load_recipe(recipe), recipe_folder=tmp_path, out=tmp_path / name)


def rows(report: RunReport) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (report.folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_learns_and_leaves_a_whole_folder(tmp_path: Path) -> None:
    report = run(
        tmp_path, steps=90, optimizer={"kind": "adamw", "learning_rate": 5e-3}, keep_last=2, checkpoint_every=10
    )
    assert report.evaluation is not None
    assert report.evaluation.mean_iou is not None and report.evaluation.mean_iou > 0.5
    losses = [row["loss"] for row in rows(report)]
    assert len(losses) == 90 and sum(losses[-10:]) < 0.6 * sum(losses[:10])
    names = {path.name for path in report.folder.iterdir()}
    assert {"recipe.yaml", "run.json", "metrics.jsonl", "timing.json", "last.safetensors", "evaluation.json"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    steps = sorted(path.name for path in (report.folder / "checkpoints").iterdir())
    assert steps == ["step_00000080", "step_00000090"]
    assert load(report.folder).taxonomy.object_names == ["blue", "red", "green"]
    facts = json.loads((report.folder / "run.json").read_text())
    assert facts["is_finished"] and facts["wall_seconds"] > 0 and facts["steps"] == 90


def test_not_finite_steps_are_skipped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that is NaN at step 2 leaves weights and running statistics as they were."""
    original, calls, states = loop.StepModule.forward, [], []

    def sometimes_nan(self: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        calls.append(1)
        states.append({k: v.clone() for k, v in self.parser.state_dict().items()})
        if len(calls) == 2:
            tensors = {**tensors, "image_BCHW": tensors["image_BCHW"].float() * math.nan}
        return original(self, tensors)

    monkeypatch.setattr(loop.StepModule, "forward", sometimes_nan)
    report = run(tmp_path, steps=4)
    assert report.training.skipped_steps == 1
    assert [row["skipped_steps"] for row in rows(report)] == [0, 1, 1, 1]
    assert "loss" not in rows(report)[1] and "gradient_norm" not in rows(report)[1]
    for name, before in states[1].items():
        assert torch.equal(before, states[2][name]), name
    assert not all(torch.equal(value, states[3][name]) for name, value in states[2].items())


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_gradient_that_is_not_finite_is_skipped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip_norm: float | None
) -> None:
    """The loss is fine, its gradient is not: the square root of nothing, times nothing."""
    original, calls, states = loop.StepModule.forward, [], []

    def sometimes_steep(self: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        calls.append(1)
        states.append({k: v.clone() for k, v in self.parser.state_dict().items()})
        terms = original(self, tensors)
        if len(calls) == 2:
            terms["loss"] = terms["loss"] + sum((p * 0).sum().sqrt() for p in self.parser.parameters())
        return terms

    monkeypatch.setattr(loop.StepModule, "forward", sometimes_steep)
    report = run(tmp_path, steps=4, optimizer={"kind": "adamw", "clip_norm": clip_norm}, ema_decay=0.9)
    assert [row["skipped_steps"] for row in rows(report)] == [0, 1, 1, 1]
    assert math.isfinite(rows(report)[1]["loss"]) and "gradient_norm" not in rows(report)[1]
    for name, before in states[1].items():
        assert torch.equal(before, states[2][name]), name
    assert all(
        bool(torch.isfinite(v).all()) for v in load(report.folder).state_dict().values() if v.is_floating_point()
    )


def test_too_many_skipped_steps_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = loop.StepModule.forward
    monkeypatch.setattr(
        loop.StepModule,
        "forward",
        lambda self, tensors: original(self, {**tensors, "image_BCHW": tensors["image_BCHW"].float() * math.inf}),
    )
    with pytest.raises(BadInput, match="loss and gradients must be finite, but got 3 steps"):
        run(tmp_path, steps=8, max_skipped_steps=2)


def test_same_seed_same_weights_other_seed_others(tmp_path: Path) -> None:
    first, again = run(tmp_path, name="a", steps=3), run(tmp_path, name="b", steps=3)
    other = run(tmp_path, name="c", steps=3, seed=1)
    bytes_of = [(report.folder / "last.safetensors").read_bytes() for report in (first, again, other)]
    assert bytes_of[0] == bytes_of[1] != bytes_of[2]


def test_gradients_are_clipped(tmp_path: Path) -> None:
    plain = run(tmp_path, name="a", steps=2, optimizer={"kind": "sgd", "learning_rate": 1.0})
    clipped = run(tmp_path, name="b", steps=2, optimizer={"kind": "sgd", "learning_rate": 1.0, "clip_norm": 1e-6})
    first, second = rows(clipped)
    assert first["gradient_norm"] > 1e-4  # The norm before clipping is what is logged.
    start = rows(plain)[0]["loss"]
    assert first["loss"] == start and abs(second["loss"] - start) < abs(rows(plain)[1]["loss"] - start)


def test_bf16_and_best_score(tmp_path: Path) -> None:
    report = run(tmp_path, steps=4, precision="bf16-mixed", evaluate_every=2)
    scored = [row for row in rows(report) if "score" in row]
    assert [row["step"] for row in scored] == [2, 4]
    assert load(report.folder / "best.safetensors").config == load(report.folder / "last.safetensors").config


def test_compiled_steps_learn_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch._inductor")
    # A compiler that was killed elsewhere leaves half a library in the user's cache.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    plain = run(tmp_path, name="a", steps=2)
    try:
        compiled = run(tmp_path, name="b", steps=2, compile=True)
    except Exception as error:  # A machine without a C++ compiler cannot compile.
        if "compiler" in str(error).lower() or "InvalidCxxCompiler" in str(error):
            pytest.skip("no C++ compiler here")
        raise
    assert rows(compiled)[0]["loss"] == pytest.approx(rows(plain)[0]["loss"], abs=1e-4)


test_compiled_steps_learn_the_same = pytest.mark.slow(test_compiled_steps_learn_the_same)
