"""Losses of a perceptual head: every task by a float64 loop, what is ignored, and what an absent label leaves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_parser import tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.data.batches import Batch, collate
from mereo.data.class_histogram import class_weights
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.errors import BadInput
from mereo.heads.perceptual import PerceptualPrediction
from mereo.parser.objective import build_objective, needs_histogram
from mereo.parser.scene_parser import SceneAnswers
from mereo.parser.terms.perceptual_terms import PerceptualLossConfig

TERMS = [f"perceptual_{task}" for task in ("objects", "parts", "materials", "scenes", "textures")]
WEIGHTS = [1.0, 0.5, 1.0, 0.25, 1.0]
SIZE = (16, 20)


def batch() -> Batch:
    """Drawn scenes, with a texture for one of them and an object that is unknown in places."""
    samples = [draw_scene(0, index, size=SIZE) for index in range(2)]
    made = collate([replace(sample, texture=3) for sample in samples])
    assert made.semantic_BHW is not None
    made.semantic_BHW[:, :3] = 255
    return replace(made, texture_B=torch.tensor([3, -1]))


def answers(seed: int = 0) -> SceneAnswers:
    """Of a prediction that has the labels' size, so that a loop needs no upsampling."""
    taxonomy = drawn_taxonomy()
    generator = torch.Generator().manual_seed(seed)
    slices_entries = sum(len(owners) for owners in taxonomy.part_owners) + len(
        {owner for owners in taxonomy.part_owners for owner in owners}
    )

    def drawn(*shape: int) -> torch.Tensor:
        return (torch.randn(2, *shape, generator=generator) * 2).requires_grad_()

    prediction = PerceptualPrediction(
        object_logits_BKhw=drawn(24, *SIZE),
        part_logits_BKhw=drawn(slices_entries, *SIZE),
        material_logits_BKhw=drawn(16, *SIZE),
        scene_logits_BK=drawn(3),
        texture_logits_BKhw=drawn(15, *SIZE),
    )
    return SceneAnswers((prediction,), None, None)  # type: ignore[arg-type]


def cross_entropy_of(scores_K: np.ndarray, label: int) -> float:
    return float(np.log(np.exp(scores_K).sum()) - scores_K[label])


def by_loop(prediction: PerceptualPrediction, given: Batch) -> dict[str, float]:
    """Equation 12, read from the specification alone."""
    taxonomy = drawn_taxonomy()
    assert taxonomy.parts is not None
    scores = {
        name: getattr(prediction, name).detach().double().numpy()
        for name in ("object_logits_BKhw", "part_logits_BKhw", "material_logits_BKhw", "scene_logits_BK")
    }
    texture = prediction.texture_logits_BKhw.detach().double().mean(dim=(2, 3)).numpy()
    rows: dict[str, list[float]] = {name: [] for name in TERMS}
    slices = [(name, [None, *taxonomy.parts_of(name)]) for name in taxonomy.object_names if taxonomy.parts_of(name)]
    semantic, parts, material = given.semantic_BHW, given.parts_BHW, given.material_BHW
    named = {
        (image, taxonomy.object_names[int(semantic[image, y, x])])
        for image, y, x in np.ndindex(2, *SIZE)
        if semantic[image, y, x] != 255 and parts[image, y, x] != 255
    }
    for image, y, x in np.ndindex(2, *SIZE):
        if material[image, y, x] != 255:
            of_pixel = scores["material_logits_BKhw"][image, :, y, x]
            rows["perceptual_materials"].append(cross_entropy_of(of_pixel, int(material[image, y, x])))
        if semantic[image, y, x] == 255:
            continue
        thing = int(semantic[image, y, x])
        rows["perceptual_objects"].append(cross_entropy_of(scores["object_logits_BKhw"][image, :, y, x], thing))
        start = 0
        for name, entries in slices:
            if name == taxonomy.object_names[thing] and (image, name) in named:
                part = int(parts[image, y, x])
                entry = entries.index(None if part == 255 else taxonomy.parts.names[part])
                of_slice = scores["part_logits_BKhw"][image, start : start + len(entries), y, x]
                rows["perceptual_parts"].append(cross_entropy_of(of_slice, entry))
            start += len(entries)
    for image in range(2):
        scene = cross_entropy_of(scores["scene_logits_BK"][image], int(given.scene_B[image]))
        rows["perceptual_scenes"].append(scene)
    rows["perceptual_textures"].append(cross_entropy_of(texture[0], 3))
    return {name: float(np.mean(values)) for name, values in rows.items()}


def objective(**settings: Any) -> Any:
    config = PerceptualLossConfig(**settings)
    return build_objective((config,), tiny_perceptual_parser(), pixels_K=torch.arange(1, 25))


def test_every_task_is_the_loop_and_the_total_is_equation_12() -> None:
    asked, given = answers(), batch()
    found, wanted = objective()(asked, given), by_loop(asked.predictions[0], given)
    assert list(found.terms) == TERMS
    for name in TERMS:
        assert float(found.terms[name].detach()) == pytest.approx(wanted[name], rel=1e-5), name
    total = sum(weight * wanted[name] for name, weight in zip(TERMS, WEIGHTS))
    assert float(found.total.detach()) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(
    ("absent", "terms"),
    [
        ("semantic_BHW", {"perceptual_objects", "perceptual_parts"}),
        ("parts_BHW", {"perceptual_parts"}),
        ("material_BHW", {"perceptual_materials"}),
        ("scene_B", {"perceptual_scenes"}),
        ("texture_B", {"perceptual_textures"}),
    ],
)
def test_what_a_source_does_not_label_gets_no_loss(absent: str, terms: set[str]) -> None:
    asked, given = answers(), batch()
    whole, found = objective()(asked, given), objective()(asked, replace(given, **{absent: None}))
    assert {name for name, value in found.terms.items() if bool(value.isnan())} == terms
    left = {name: value for name, value in whole.terms.items() if name not in terms}
    assert all(torch.equal(found.terms[name], value) for name, value in left.items())
    weights = dict(zip(TERMS, WEIGHTS))
    torch.testing.assert_close(found.total, sum(weights[name] * value for name, value in left.items()))


def test_a_batch_without_any_label_is_zero_and_reaches_every_weight() -> None:
    parser = tiny_perceptual_parser().train()
    made = build_objective((PerceptualLossConfig(),), parser)
    given = Batch(names=("a", "b"), image_BCHW=batch().image_BCHW)
    found = made(parser(given.image_BCHW), given)
    assert list(found.terms) == TERMS and all(bool(value.isnan()) for value in found.terms.values())
    assert float(found.total.detach()) == 0
    found.total.backward()
    assert all(p.grad is not None and bool((p.grad == 0).all()) for p in parser.heads.parameters())


def test_only_the_tasks_of_the_head_have_terms() -> None:
    made = build_objective((PerceptualLossConfig(),), tiny_perceptual_parser(tasks=["parts", "scenes"]))
    assert list(made.terms) == ["perceptual_objects", "perceptual_parts", "perceptual_scenes"]
    assert made.weights == {"perceptual_objects": 1.0, "perceptual_parts": 0.5, "perceptual_scenes": 0.25}
    with pytest.raises(BadInput, match="perceptual must have a head of that name, but got none; add it, or leave"):
        build_objective((PerceptualLossConfig(),), tiny_parser())


def test_a_head_that_lost_its_task() -> None:
    prediction = PerceptualPrediction(torch.zeros(2, 24, *SIZE))
    with pytest.raises(BadInput, match="a task must be one of the head's to have a loss, but got another head"):
        objective()(SceneAnswers((prediction,), None, None), batch())  # type: ignore[arg-type]


def test_rare_objects_may_weigh_more() -> None:
    made = objective(class_balance=0.5)
    weight_K = class_weights(torch.arange(1, 25), power=0.5)
    torch.testing.assert_close(made.terms["perceptual_objects"].class_weight_K, weight_K)
    assert needs_histogram((PerceptualLossConfig(class_balance=0.5),))
    assert not needs_histogram((PerceptualLossConfig(),)) and not made.state_dict()
