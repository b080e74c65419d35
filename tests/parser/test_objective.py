"""Objective: named terms, their weights, class balance, and what only training needs."""

from typing import Any, get_args

import pytest
import torch
from tiny_parser import TAXONOMY, tiny_parser
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.class_histogram import class_weights
from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.parser.objective import LossConfig, Objective, build_objective, needs_histogram
from mereo.parser.scene_parser import SceneAnswers
from mereo.parser.terms.pixel_terms import PixelClassesTerm
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

PIXELS_K = torch.tensor([1000, 100, 10])


class Losses(StrictConfig):
    losses: tuple[LossConfig, ...]


def configs(*losses: dict[str, Any]) -> tuple[LossConfig, ...]:
    return validated(Losses, {"losses": list(losses)}, source="a test").losses


def batch(*, size: tuple[int, int] = (48, 64)) -> Batch:
    generator = torch.Generator().manual_seed(0)
    label_BHW = torch.randint(0, 3, (2, *size), generator=generator, dtype=torch.int32)
    label_BHW[:, :4] = TAXONOMY.ignore_index
    image_BCHW = torch.randint(0, 256, (2, 3, *size), generator=generator, dtype=torch.uint8)
    return Batch(names=("a", "b"), image_BCHW=image_BCHW, semantic_BHW=label_BHW)


class Constant(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        return 1 * self.value


def test_the_total_is_the_weighted_sum() -> None:
    objective = Objective({"a": Constant(2.0), "b": Constant(3.0), "c": Constant(5.0)}, {"b": 10.0, "c": 0.5})
    losses = objective(tiny_parser()(batch().image_BCHW), batch())
    assert losses.total.item() == 2 + 30 + 2.5
    assert {name: value.item() for name, value in losses.terms.items()} == {"a": 2.0, "b": 3.0, "c": 5.0}
    losses.total.backward()
    assert [term.value.grad.item() for term in objective.terms.values()] == [1.0, 10.0, 0.5]


def test_no_terms_and_weights_of_none() -> None:
    with pytest.raises(BadInput, match="an objective must have at least one loss, but got none; add e.g. pixel_cross"):
        Objective({})
    with pytest.raises(BadInput, match=r"weights must belong to a loss, but got \['b'\]; losses: \['a'\]"):
        Objective({"a": Constant(1.0)}, {"b": 2.0})


def test_cross_entropy_term_is_the_loss_of_the_head() -> None:
    parser = tiny_parser()
    objective = build_objective(configs({"loss": "pixel_cross_entropy", "weight": 2}), parser)
    answers = parser(batch().image_BCHW)
    losses = objective(answers, batch())
    logits_BKhw = answers.prediction(PixelClassesPrediction).logits_BKhw
    wanted = PixelCrossEntropy(ignore_label=255)(logits_BKhw, batch().semantic_BHW)
    torch.testing.assert_close(losses.terms["pixel_cross_entropy"], wanted)
    torch.testing.assert_close(losses.total, 2 * wanted)


@pytest.mark.parametrize("level", [0, 1, -2, -1])
def test_auxiliary_term_teaches_the_inner_map(level: int) -> None:
    parser = tiny_parser().train()
    losses = configs({"loss": "pixel_cross_entropy"}, {"loss": "auxiliary_pixels", "width": 4, "level": level})
    objective = build_objective(losses, parser).train()
    answers = parser(batch().image_BCHW)
    terms = objective(answers, batch())
    torch.testing.assert_close(terms.total, terms.terms["pixel_cross_entropy"] + 0.4 * terms.terms["auxiliary_pixels"])
    terms.terms["auxiliary_pixels"].backward()
    own = list(objective.parameters())
    assert own and all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in own)
    reached = [name for name, p in parser.named_parameters() if p.grad is not None]
    assert reached and all(name.startswith("backbone") for name in reached)
    in_channels = parser.backbone.layout.channels[level]
    assert objective.terms["auxiliary_pixels"].classify[0][0].weight.shape == (4, in_channels, 3, 3)
    assert not any("auxiliary" in name for name in parser.state_dict())  # Gone after training.


@pytest.mark.parametrize("level", [5, -6])
def test_auxiliary_level_that_is_not_there(level: int) -> None:
    with pytest.raises(BadInput, match=f"level must name one of 5 backbone maps, but got {level}; use -2"):
        build_objective(configs({"loss": "auxiliary_pixels", "level": level}), tiny_parser())


def test_auxiliary_term_for_a_backbone_of_unknown_layout() -> None:
    parser = tiny_parser()
    parser.backbone = nn.Identity()
    with pytest.raises(BadInput, match="a backbone under auxiliary_pixels must say in `layout` which maps it gives"):
        build_objective(configs({"loss": "auxiliary_pixels"}), parser)


def test_class_balance_weighs_rare_classes_more() -> None:
    parser = tiny_parser()
    losses = configs({"loss": "pixel_cross_entropy", "class_balance": 0.5}, {"loss": "auxiliary_pixels"})
    assert needs_histogram(losses)
    objective = build_objective(losses, parser, pixels_K=PIXELS_K)
    term = objective.terms["pixel_cross_entropy"]
    assert isinstance(term, PixelClassesTerm)
    weight_K = term.loss.class_weight_K
    torch.testing.assert_close(weight_K, class_weights(PIXELS_K, power=0.5))
    torch.testing.assert_close(weight_K / weight_K[0], torch.tensor([1.0, 10**0.5, 10.0]))
    assert weight_K.mean().item() == pytest.approx(1)
    assert objective.terms["auxiliary_pixels"].loss.class_weight_K is None


def test_class_balance_without_a_histogram() -> None:
    losses = configs({"loss": "pixel_cross_entropy", "class_balance": 0.5})
    with pytest.raises(BadInput, match="class_balance must have the training split's histogram, but got none"):
        build_objective(losses, tiny_parser())
    assert not needs_histogram(configs({"loss": "pixel_cross_entropy"}))


def test_every_loss_that_can_balance_classes_gets_the_histogram() -> None:
    kinds = get_args(get_args(LossConfig)[0])
    balanced = [kind for kind in kinds if "class_balance" in kind.model_fields]
    assert balanced and all(needs_histogram((kind(class_balance=0.5),)) for kind in balanced)
    assert not needs_histogram(tuple(kind() for kind in kinds))
    bounds = {tuple(map(repr, kind.model_fields["class_balance"].metadata)) for kind in balanced}
    assert bounds == {("Ge(ge=0)", "Le(le=1)")}


def test_settings_reach_the_loss() -> None:
    objective = build_objective(configs({"loss": "pixel_cross_entropy", "hardest_share": 0.25}), tiny_parser())
    assert objective.terms["pixel_cross_entropy"].loss.hardest_share == 0.25
    assert objective.terms["pixel_cross_entropy"].loss.ignore_label == TAXONOMY.ignore_index


@pytest.mark.parametrize(
    ("loss", "match"),
    [
        ({"loss": "dice"}, "losses.0: .*'dice'.*'pixel_cross_entropy', 'auxiliary_pixels'"),
        ({"weight": 1}, "losses.0: Unable to extract tag using discriminator 'loss'"),
        ({"loss": "pixel_cross_entropy", "weight": -1}, "weight: .*greater than or equal to 0, but got -1"),
        ({"loss": "pixel_cross_entropy", "class_balance": 1.5}, "class_balance: .*less than or equal to 1"),
        ({"loss": "pixel_cross_entropy", "hardest_share": 0}, "hardest_share: .*greater than 0, but got 0"),
        ({"loss": "pixel_cross_entropy", "clas_balance": 1}, "did you mean 'class_balance'"),
    ],
    ids=str,
)
def test_unknown_losses_and_settings(loss: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        configs(loss)


def test_one_loss_twice() -> None:
    with pytest.raises(BadInput, match="losses must have different names, but got .*; keep one of each"):
        build_objective(configs({"loss": "pixel_cross_entropy"}, {"loss": "pixel_cross_entropy"}), tiny_parser())


def test_labels_that_are_missing() -> None:
    parser = tiny_parser()
    objective = build_objective(configs({"loss": "pixel_cross_entropy"}), parser)
    unlabelled = Batch(names=("a",), image_BCHW=batch().image_BCHW)
    with pytest.raises(BadInput, match="this loss must have semantic_BHW in every sample, but got none"):
        objective(parser(unlabelled.image_BCHW), unlabelled)
