"""The loss of mask queries in recipes: whose weights it takes, which masks it wants, and that it teaches."""

from typing import Any

import pytest
import torch
from test_objective import configs
from tiny_mask_parser import HEADS, TAXONOMY, mask_parser
from tiny_parser import tiny_parser

from mereo.data.batches import Batch, collate
from mereo.data.drawn_scenes import DrawnScenes
from mereo.errors import BadInput
from mereo.heads.mask_queries import MaskQueriesPrediction
from mereo.losses.mask_queries import AllPixelsMaskLoss, SampledPointsMaskLoss
from mereo.losses.mask_query_matching import TermWeights
from mereo.parser.objective import build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.terms.mask_terms import MaskQueriesTerm, batch_targets


def term_of(parser: SceneParser, **settings: Any) -> MaskQueriesTerm:
    objective = build_objective(configs({"loss": "mask_queries", **settings}), parser)
    term = objective.terms["mask_queries"]
    assert isinstance(term, MaskQueriesTerm)
    return term


def drawn_batch(count: int = 2) -> tuple[DrawnScenes, Batch]:
    scenes = DrawnScenes(count, seed=0, size=(64, 96))
    return scenes, collate([scenes[index] for index in range(count)])


def test_left_out_weights_are_those_of_the_heads_paper() -> None:
    first, second = term_of(mask_parser("maskformer")).loss, term_of(mask_parser("mask2former")).loss
    assert first.weights == TermWeights(1.0, 20.0, 1.0) and isinstance(first.mask_loss, AllPixelsMaskLoss)
    assert second.weights == TermWeights(2.0, 5.0, 5.0) and isinstance(second.mask_loss, SampledPointsMaskLoss)
    assert first.no_object_weight == second.no_object_weight == 0.1
    assert second.mask_loss.num_points == 12544


def test_settings_reach_the_loss() -> None:
    loss = term_of(
        mask_parser("maskformer"),
        mask_loss="sampled_points",
        num_points=99,
        class_weight=3,
        mask_weight=4,
        dice_weight=5,
        no_object_weight=0.2,
    ).loss
    assert isinstance(loss.mask_loss, SampledPointsMaskLoss) and loss.mask_loss.num_points == 99
    assert (loss.weights, loss.no_object_weight) == (TermWeights(3, 4, 5), 0.2)


def test_every_decoder_layer_is_supervised() -> None:
    parser = mask_parser("mask2former", num_layers=3)
    batch = Batch(
        names=("a",), image_BCHW=torch.zeros(1, 3, 32, 32), semantic_BHW=torch.arange(1024).view(1, 32, 32) // 400
    )
    answers, term = parser(batch.image_BCHW), term_of(parser, mask_loss="all_pixels")
    targets = batch_targets(batch, TAXONOMY, "semantic", is_thing_K=term.is_thing_K)
    prediction = answers.prediction(MaskQueriesPrediction)
    layers = [*prediction.earlier, prediction]
    assert len(layers) == 4
    values = [float(term.loss(one.class_logits_BQK1, one.mask_logits_BQhw, targets).detach()) for one in layers]
    assert float(term(answers, batch).detach()) == pytest.approx(sum(values), rel=1e-5)
    alone = term_of(parser, mask_loss="all_pixels", deep_supervision=False)
    assert float(alone(answers, batch).detach()) == pytest.approx(values[-1], rel=1e-5)


def test_targets_of_a_batch() -> None:
    scenes, batch = drawn_batch()
    taxonomy = scenes.taxonomy
    is_thing_K = torch.tensor(taxonomy.is_thing)
    semantic, panoptic, instance = (
        batch_targets(batch, taxonomy, kind, is_thing_K=is_thing_K) for kind in ("semantic", "panoptic", "instance")
    )
    for b in range(2):
        assert batch.semantic_BHW is not None and batch.instances_BHW is not None
        present = batch.semantic_BHW[b].unique().tolist()
        assert semantic[b].class_M.tolist() == [index for index in present if index != taxonomy.ignore_index]
        stuff = [index for index in semantic[b].class_M.tolist() if not taxonomy.is_thing[index]]
        assert sorted(set(panoptic[b].class_M.tolist()) - set(instance[b].class_M.tolist())) == stuff
        ids = batch.instances_BHW[b][is_thing_K[batch.semantic_BHW[b].long().clamp(max=30)]]
        assert len(instance[b].class_M) == len(set(ids.tolist()) - {0})


def test_which_classes_are_things_goes_to_the_device_and_into_no_checkpoint() -> None:
    term = term_of(mask_parser("maskformer"))
    assert term.is_thing_K.tolist() == list(TAXONOMY.is_thing) and not term.state_dict()
    assert term.to("meta").is_thing_K.is_meta


@pytest.mark.parametrize("targets", ["semantic", "panoptic"])
@pytest.mark.parametrize("head", HEADS)
def test_twenty_steps_lower_the_loss(head: str, targets: str) -> None:
    scenes, batch = drawn_batch()
    parser = mask_parser(head, taxonomy=scenes.taxonomy, num_queries=20).train()
    torch.manual_seed(0)
    for parameter in parser.heads[0].parameters():
        if parameter.dim() > 1:
            torch.nn.init.xavier_uniform_(parameter)
    term = term_of(parser, targets=targets, num_points=500)
    optimizer = torch.optim.AdamW(parser.parameters(), lr=2e-3)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = term(parser(batch.image_BCHW), batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3]), losses


def test_no_head_of_mask_queries() -> None:
    with pytest.raises(BadInput, match="mask_queries must have a head of mask queries, but got none; add maskformer"):
        term_of(tiny_parser())


def test_targets_that_need_things() -> None:
    stuff = tiny_parser().taxonomy
    with pytest.raises(BadInput, match="targets panoptic must have a taxonomy with things, but got none in tiny"):
        term_of(mask_parser("maskformer", taxonomy=stuff), targets="panoptic")


def test_instances_that_are_missing() -> None:
    parser = mask_parser("maskformer")
    batch = Batch(names=("a",), image_BCHW=torch.zeros(1, 3, 32, 32), semantic_BHW=torch.zeros(1, 32, 32))
    with pytest.raises(BadInput, match="this loss must have instances_BHW in every sample, but got none"):
        term_of(parser, targets="instance")(parser(batch.image_BCHW), batch)


def test_another_head_says_what_is_there() -> None:
    with pytest.raises(BadInput, match="must have a head that gives MaskQueriesPrediction, but got PixelClassesPre"):
        tiny_parser()(torch.zeros(1, 3, 32, 32)).prediction(MaskQueriesPrediction)
