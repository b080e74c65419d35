"""A parser with a pyramid: its loss in a recipe, pictures of any size, levels in the parse, rows A to I."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.data.batches import Batch, collate
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.feature_maps import Frame
from mereo.heads.pyramid_fusion import fuse_pyramid
from mereo.heads.semantic_pyramid import SemanticPyramidPrediction
from mereo.losses.done_by_coarser import relabel, semantic_pyramid_loss
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.config import ParserConfig
from mereo.parser.objective import build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.terms.pyramid_terms import SemanticPyramidLossConfig
from mereo.regions.cells import pyramid_targets
from mereo.strict_yaml import validated

HEAD: dict[str, Any] = {"head": "semantic_pyramid", "num_levels": 3, "width": 12, "key_width": 6, "unity_width": 8}
ANL = {"stage": "asymmetric_nonlocal"}
# The paper's table 2a: what stands before the head, the head, the loss.
ROWS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "A": ([], {"context": "none", "representation": "finest"}, {}),
    "B": ([ANL], {"context": "none", "representation": "finest"}, {}),
    "C": ([], {"representation": "finest"}, {}),
    "D": ([], {"context": "none"}, {"rule": "raw"}),
    "E": ([], {"context": "none"}, {"rule": "ground_truth"}),
    "F": ([], {"context": "none"}, {}),
    "G": ([ANL], {"context": "none"}, {}),
    "H": ([], {}, {}),
    "I": ([], {"representation": "auxiliary"}, {}),
}


def pyramid_parser(taxonomy: Taxonomy = TAXONOMY, path: list[dict[str, Any]] | None = None, **head: Any) -> SceneParser:
    torch.manual_seed(0)
    content = {
        "backbone": {"name": "test_efficientnet", "output_stride": 8},
        "path": [{"stage": "projection", "width": 12}, *(path or [])],
        "heads": [HEAD | head],
    }
    parser = validated(ParserConfig, content, source="a test").build(taxonomy)
    for classify in parser.heads[0].classify:
        torch.nn.init.normal_(classify[-1].weight)
    return parser.eval()


@pytest.fixture(scope="module")
def batch() -> Batch:
    return collate([draw_scene(0, index, size=(60, 90), kind="street") for index in range(3)])


@pytest.mark.parametrize("row", ROWS)
def test_twenty_steps_of_every_row(row: str, batch: Batch) -> None:
    path, head, loss = ROWS[row]
    parser = pyramid_parser(drawn_taxonomy(), path, **head).train()
    objective = build_objective((SemanticPyramidLossConfig(**loss),), parser)
    optimizer = torch.optim.AdamW(parser.parameters(), lr=3e-3)
    totals = []
    for _ in range(20):
        total = objective(parser(batch.image_BCHW), batch).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert not [name for name, parameter in parser.named_parameters() if parameter.grad is None]
    assert sum(totals[-3:]) < 0.8 * sum(totals[:3]), totals


def test_the_loss_is_that_of_its_parts(batch: Batch) -> None:
    parser, pixels_K = pyramid_parser(drawn_taxonomy()), torch.arange(1, drawn_taxonomy().num_objects + 1)
    objective = build_objective((SemanticPyramidLossConfig(class_balance=0.5),), parser, pixels_K=pixels_K)
    answers = parser(batch.image_BCHW)
    prediction = answers.prediction(SemanticPyramidPrediction)
    assert prediction.cell_sizes == (32, 16, 8)
    label_BHW = batch.required("semantic_BHW")
    resized_BHW = torch.nn.functional.interpolate(label_BHW[:, None].float(), size=(64, 96), mode="nearest-exact")
    targets = pyramid_targets(resized_BHW[:, 0].long(), (32, 16, 8))
    targets = relabel(targets, prediction.unity_per_level)
    weight_K = objective.terms["semantic_pyramid"].class_weight_K
    assert weight_K is not None and weight_K[0] > weight_K[-1]
    wanted = semantic_pyramid_loss(
        prediction.logits_per_level, prediction.unity_logits_per_level, targets, class_weight_K=weight_K
    )
    torch.testing.assert_close(objective(answers, batch).total, wanted)


def test_what_is_done_by_coarser_is_told_by_unities_alone(batch: Batch) -> None:
    """Not by the classes: a coarse level that speaks and errs leaves finer ones nothing to learn, either."""
    parser, term = pyramid_parser(drawn_taxonomy()), SemanticPyramidLossConfig()
    objective = build_objective((term,), parser)
    prediction = parser(batch.image_BCHW).prediction(SemanticPyramidPrediction)

    def gradients(certainty: float, classes: float) -> list[float]:
        logits = [torch.full_like(one, 0.0).requires_grad_() for one in prediction.logits_per_level]
        unities = [torch.full_like(one, certainty).requires_grad_() for one in prediction.unity_logits_per_level]
        with torch.no_grad():
            logits[0][:, 0] += classes
        said = replace(prediction, logits_per_level=tuple(logits), unity_logits_per_level=tuple(unities))
        objective.terms["semantic_pyramid"](SimpleNamespace(prediction=lambda _: said), batch).backward()
        return [float(one.grad.abs().sum()) for one in (*logits[1:], *unities[1:])]

    silent, speaking = gradients(-9.0, 0.0), gradients(9.0, 0.0)
    assert gradients(9.0, 50.0) == speaking, "the classes of the coarsest level count"
    assert speaking != silent


def test_a_label_that_no_class_has_cannot_hide_in_a_cell(batch: Batch) -> None:
    parser = pyramid_parser(drawn_taxonomy())
    objective = build_objective((SemanticPyramidLossConfig(),), parser)
    label_BHW = batch.required("semantic_BHW").clone()
    label_BHW[0, :9, :9] = 1
    label_BHW[0, 0, 0] = 200
    with pytest.raises(
        BadInput, match=f"labels must lie in 0..{drawn_taxonomy().num_objects - 1} or be 255, but got 200"
    ):
        objective(parser(batch.image_BCHW), replace(batch, semantic_BHW=label_BHW))


@pytest.mark.parametrize("size", [(1, 1), (33, 129), (31, 7), (64, 96), (47, 48)], ids=str)
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    parser = pyramid_parser()
    image_HWC = random_image(*size)
    parse = parser.parse(image_HWC, with_confidence=True)
    assert parse.semantic.shape == parse.answer_level.shape == parse.confidence.shape == size
    assert parse.answer_level.max() <= 2
    assert parser(prepared_image(parser, image_HWC, size)).features.maps[-1].shape[-1] % 4 == 0


def test_the_level_of_a_pixel_is_that_of_its_cell() -> None:
    parser = pyramid_parser()
    image_HWC = random_image(64, 96)
    with torch.no_grad():
        prediction = parser(prepared_image(parser, image_HWC, (64, 96))).predictions[0]
    _, level_Bhw = fuse_pyramid(prediction.probability_per_level, prediction.unity_per_level)
    wanted = level_Bhw[0].repeat_interleave(8, 0).repeat_interleave(8, 1)
    np.testing.assert_array_equal(parser.parse(image_HWC).answer_level, wanted.numpy())


def test_levels_are_known_only_for_one_plain_pass() -> None:
    parser, image_HWC = pyramid_parser(), random_image(64, 96)
    assert parser.parse(image_HWC, flip=True).answer_level is None
    assert parser.parse(image_HWC, scales=(0.5, 1.0)).answer_level is None
    assert parser.parse(image_HWC, tile=64).answer_level is None
    assert tiny_parser().parse(image_HWC).answer_level is None
    assert pyramid_parser(representation="auxiliary").parse(image_HWC).answer_level is None


def test_the_threshold_decides_who_speaks() -> None:
    image_HWC = random_image(64, 96)
    assert (pyramid_parser(threshold=0.0).parse(image_HWC).answer_level == 0).all()
    assert (pyramid_parser(threshold=1.0).parse(image_HWC).answer_level == 2).all()


def test_everything_sees_the_picture_of_whole_cells() -> None:
    """Also superpixels that came with it: their numbers stay whole."""
    parser = pyramid_parser()
    seen: list[Frame] = []
    parser.path[0].register_forward_pre_hook(lambda stage, inputs: seen.append(inputs[1]))
    superpixels_BHW = torch.full((1, 30, 50), 2**25 + 1)
    parser(torch.zeros(1, 3, 30, 50), Frame((30, 50), superpixels_BHW=superpixels_BHW))
    assert seen[0].image_size == (32, 64) and (seen[0].superpixels_BHW == 2**25 + 1).all()
    assert seen[0].superpixels_BHW.shape == (1, 32, 64)


def test_it_combines_with_a_reasoner(batch: Batch) -> None:
    parser = pyramid_parser(drawn_taxonomy(), [{"stage": "class_affinity", "edges": "learned"}]).train()
    objective = build_objective((SemanticPyramidLossConfig(),), parser)
    objective(parser(batch.image_BCHW), batch).total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in parser.parameters())
    assert parser.eval().parse(random_image(50, 70)).semantic.shape == (50, 70)


@pytest.mark.parametrize("value", [0, "ignored"])
def test_images_of_one_class_and_of_none(value: int | str) -> None:
    parser = pyramid_parser().train()
    objective = build_objective((SemanticPyramidLossConfig(),), parser)
    label = TAXONOMY.ignore_index if value == "ignored" else 0
    batch = Batch(("a",), torch.zeros(1, 3, 40, 40).byte(), semantic_BHW=torch.full((1, 40, 40), label))
    loss = objective(parser(batch.image_BCHW), batch).total
    loss.backward()
    assert loss.isfinite() and (loss == 0) == (value == "ignored")
    assert all(p.grad is not None and p.grad.isfinite().all() for p in parser.parameters())


def test_a_parser_without_the_head() -> None:
    with pytest.raises(BadInput, match="semantic_pyramid must have a head of that name, but got none"):
        build_objective((SemanticPyramidLossConfig(),), tiny_parser())
    with pytest.raises(BadInput, match="class_balance must have the training split's histogram, but got none"):
        build_objective((SemanticPyramidLossConfig(class_balance=0.3),), pyramid_parser())
