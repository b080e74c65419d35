"""Concept tokens in every host of the paper: where it stands there, one training step, a parse."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from contract import HEADS
from tiny_parser import TAXONOMY, random_image

from mereo.data.batches import Batch
from mereo.parser.config import HeadConfig, ParserConfig
from mereo.parser.objective import LossConfig, build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.concept_tokens import ConceptEvidence
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

TOKENS: dict[str, Any] = {
    "stage": "concept_tokens",
    "num_concepts": 10,
    "width": 16,
    "feedforward_width": 24,
    "num_heads": 2,
}


@dataclass(frozen=True)
class Host:
    """`path` is what stands around the tokens; `stride` of the map that they read."""

    backbone: dict[str, Any]
    path: list[dict[str, Any]]
    stride: int
    heads: tuple[dict[str, Any], ...] = ({"head": "pixel_classes"},)
    losses: tuple[dict[str, Any], ...] = ({"loss": "pixel_cross_entropy"},)


CNN: dict[str, Any] = {"name": "test_efficientnet"}
SWIN: dict[str, Any] = {"name": "swin_tiny_patch4_window7_224"}
PYRAMID: dict[str, Any] = {"stage": "feature_pyramid", "width": 16}
QUERIES: dict[str, Any] = {"width": 16, "num_queries": 6, "num_heads": 2, "num_layers": 1, "inner_width": 16}
HOSTS = {
    "FCN": Host(CNN | {"output_stride": 8}, [{"stage": "projection", "width": 16}, TOKENS], 8),
    "DeepLabV3": Host(CNN | {"output_stride": 8}, [{"stage": "atrous_pyramid", "width": 16}, TOKENS], 8),
    "UPerNet, CNN": Host(CNN, [TOKENS, PYRAMID], 32),
    "UPerNet, Swin-T": Host(SWIN, [TOKENS, PYRAMID], 32),
    "MaskFormer": Host(CNN, [TOKENS], 32, ({"head": "maskformer", **QUERIES},), ({"loss": "mask_queries"},)),
    "Mask2Former": Host(
        CNN,
        [TOKENS],
        32,
        ({"head": "mask2former", **QUERIES, "num_pixel_layers": 1, "pixel_inner_width": 16},),
        ({"loss": "mask_queries", "num_points": 64},),
    ),
}


class Losses(StrictConfig):
    losses: tuple[LossConfig, ...]


def parser_of(host: Host) -> SceneParser:
    torch.manual_seed(0)
    content = {"backbone": host.backbone, "path": host.path, "heads": list(host.heads)}
    return validated(ParserConfig, content, source="a test").build(TAXONOMY)


@pytest.mark.parametrize("name", HOSTS)
def test_a_step_and_a_parse(name: str) -> None:
    host = HOSTS[name]
    parser = parser_of(host).train()
    losses = [*host.losses, {"loss": "concept_regions", "total": 4}]
    objective = build_objective(validated(Losses, {"losses": losses}, source="a test").losses, parser)
    label_BHW = torch.zeros(2, 64, 96, dtype=torch.long)
    label_BHW[:, 20:, 40:], label_BHW[1, :8] = 1, TAXONOMY.ignore_index
    batch = Batch(("a", "b"), torch.randint(0, 256, (2, 3, 64, 96)).byte(), semantic_BHW=label_BHW)
    answers = parser(batch.image_BCHW)
    (evidence,) = (one for one in answers.evidence if isinstance(one, ConceptEvidence))
    assert evidence.weight_BKHW.shape == (2, 10, 64 // host.stride, 96 // host.stride)
    found = objective(answers, batch)
    found.total.backward()
    assert found.total.isfinite() and found.terms["concept_regions"] > 0
    tokens = next(stage for stage in parser.path if hasattr(stage, "concepts"))
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in tokens.parameters())
    parse = parser.eval().parse(random_image(45, 70))
    assert parse.semantic.shape == (45, 70)


@pytest.mark.parametrize("name", HOSTS)
def test_the_host_hears_its_tokens(name: str) -> None:
    """Other tokens, another answer: the enhanced map is what the host goes on with."""
    parser = parser_of(HOSTS[name]).eval()
    image_BCHW = torch.randint(0, 256, (1, 3, 64, 96)).byte()
    with torch.no_grad():
        before = parser(image_BCHW).predictions[0]
        next(stage for stage in parser.path if hasattr(stage, "concepts")).widen.bias.add_(1.0)
        after = parser(image_BCHW).predictions[0]
    values = [next(value for value in vars(one).values() if isinstance(value, torch.Tensor)) for one in (before, after)]
    assert not torch.allclose(*values)


def test_the_contract_knows_every_head() -> None:
    """A new head joins the heads that every reasoner is tried before."""
    union, _ = get_args(HeadConfig)
    known = {one.model_fields["head"].default for one in get_args(union)}
    assert known == {head["head"] for heads in HEADS.values() for head in heads}
