"""Concept tokens: equations 1 to 4 and the way back by loops in float64, the switches, sizes as printed."""

from typing import Any

import pytest
import torch
from contract import ReasonerContract
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from written_out import answer_of, num_parameters, small_map

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.position_codes import position_codes
from mereo.losses.concept_regions import ConceptRegions
from mereo.reasoning.concept_tokens import ConceptEvidence, ConceptTokens, ConceptTokensConfig
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout((6,), (8,))
SMALL: dict[str, Any] = {"num_concepts": 5, "width": 8, "feedforward_width": 12, "num_heads": 2}


def concept_tokens(layout: FeatureLayout = LAYOUT, **others: Any) -> ConceptTokens:
    return ConceptTokens(layout, **{**SMALL, "dropout": 0.0, **others})


class TestConceptTokens(ReasonerContract):
    config: dict[str, Any] = {"stage": "concept_tokens", **SMALL}
    losses = [{"loss": "pixel_cross_entropy"}, {"loss": "concept_regions", "total": 4}]
    others: dict[str, Any] = {}

    def build(self, layout: FeatureLayout) -> ConceptTokens:
        return concept_tokens(layout, **self.others)

    def asked_of(self, answer: FeatureMaps) -> list[Tensor]:
        return [*answer.maps, answer.evidence[-1].weight_BKHW]


class TestConceptTokensWithAGraph(TestConceptTokens):
    config = {"stage": "concept_tokens", **SMALL, "refinement": "graph"}
    others = {"refinement": "graph"}


class TestConceptTokensAsPrinted(TestConceptTokens):
    config = {"stage": "concept_tokens", **SMALL, "token_norm": "none", "spread_norm": "none"}
    others = {"token_norm": "none", "spread_norm": "none"}


class TestConceptTokensWithoutCodes(TestConceptTokens):
    config = {"stage": "concept_tokens", **SMALL, "pixel_codes": False, "centroid_codes": False}
    others = {"has_pixel_codes": False, "has_centroid_codes": False}


def code(position: float, width: int) -> Tensor:
    return position_codes(torch.tensor(position, dtype=torch.float64), width=width)


@pytest.mark.parametrize("has_pixel_codes", [True, False])
@pytest.mark.parametrize("has_centroid_codes", [True, False])
@pytest.mark.parametrize("norm", ["area", "none"])
@pytest.mark.parametrize("refinement", ["transformer", "graph"])
def test_equations_1_to_4_by_a_loop(
    has_pixel_codes: bool, has_centroid_codes: bool, norm: str, refinement: str
) -> None:
    torch.manual_seed(0)
    stage = concept_tokens(
        has_pixel_codes=has_pixel_codes,
        has_centroid_codes=has_centroid_codes,
        token_norm=norm,
        spread_norm=norm,
        refinement=refinement,
    )
    stage = stage.double().eval()
    last_BCHW = small_map(6)
    answer = answer_of(stage, last_BCHW)
    evidence = answer.evidence[-1]
    assert isinstance(evidence, ConceptEvidence)
    height, width = last_BCHW.shape[-2:]
    for b, features_CHW in enumerate(last_BCHW):
        masses, sums = [0.0] * 5, [torch.zeros(8).double() for _ in range(5)]
        moments = [torch.zeros(2).double() for _ in range(5)]
        probabilities = {}
        for y in range(height):
            for x in range(width):
                pixel = features_CHW[:, y, x]
                of_column, of_row = (code(place + 1, 6) if has_pixel_codes else 0 for place in (x, y))
                coded = torch.cat([pixel + of_column, pixel + of_row])  # equation 1
                probability_K = torch.sigmoid(stage.concepts.weight.detach() @ coded)  # equation 2
                torch.testing.assert_close(evidence.weight_BKHW[b, :, y, x], probability_K)
                probabilities[y, x] = probability_K
                for k in range(5):
                    masses[k] += float(probability_K[k])
                    sums[k] += probability_K[k] * (stage.reduce.weight.detach() @ coded)  # equation 3
                    moments[k] += probability_K[k] * torch.tensor([y + 1.0, x + 1.0]).double()
        tokens = torch.stack([s / mass if norm == "area" else s for s, mass in zip(sums, masses)])
        torch.testing.assert_close(evidence.tokens_BKD[b], tokens, rtol=1e-5, atol=1e-6)
        centroids = [moment / mass for moment, mass in zip(moments, masses)]  # equation 4
        torch.testing.assert_close(evidence.centroid_BK2[b], torch.stack(centroids), rtol=1e-5, atol=1e-6)
        if has_centroid_codes:
            tokens = tokens + torch.stack([torch.cat([code(float(c), 4) for c in centre]) for centre in centroids])
        with torch.no_grad():
            refined = stage.refine(tokens[None])[0]
        torch.testing.assert_close(evidence.refined_BKD[b], refined, rtol=1e-5, atol=1e-5)
        for (y, x), probability_K in probabilities.items():
            back = sum(probability_K[k] * refined[k] for k in range(5))
            back = back / probability_K.sum() if norm == "area" else back
            widened = stage.widen.weight[:, :, 0, 0].detach() @ back + stage.widen.bias.detach()
            torch.testing.assert_close(answer.last[b, :, y, x], last_BCHW[b, :, y, x] + widened, rtol=1e-4, atol=1e-5)


def test_the_transformer_is_two_post_norm_layers() -> None:
    """Written out: attention of each head, sums normalised after it, and after the feed-forward."""
    torch.manual_seed(0)
    stage = concept_tokens().double().eval()
    tokens_KD = torch.randn(5, 8, dtype=torch.float64)
    with torch.no_grad():
        wanted = stage.refine(tokens_KD[None])[0]
        found = tokens_KD
        for layer in stage.refine.layers:
            queries, keys, values = (found @ layer.self_attn.in_proj_weight.t() + layer.self_attn.in_proj_bias).split(
                8, dim=1
            )
            heads = []
            for head in (slice(0, 4), slice(4, 8)):
                weights = (queries[:, head] @ keys[:, head].t() / 4**0.5).softmax(dim=1)
                heads.append(weights @ values[:, head])
            attended = layer.self_attn.out_proj(torch.cat(heads, dim=1))
            found = layer.norm1(found + attended)
            found = layer.norm2(found + layer.linear2(torch.relu(layer.linear1(found))))
    torch.testing.assert_close(found, wanted)
    assert len(stage.refine.layers) == 2


def test_tokens_know_where_their_regions_are() -> None:
    """The same features in another corner: without centroids the tokens are the same, with them they are not."""
    torch.manual_seed(0)
    picture = torch.zeros(2, 6, 8, 8)
    picture[0, :, :2, :2], picture[1, :, 6:, 6:] = 3, 3
    for has_centroid_codes in (True, False):
        stage = concept_tokens(has_pixel_codes=False, has_centroid_codes=has_centroid_codes).eval()
        evidence = answer_of(stage, picture).evidence[-1]
        torch.testing.assert_close(evidence.tokens_BKD[0], evidence.tokens_BKD[1])
        same = torch.allclose(evidence.refined_BKD[0], evidence.refined_BKD[1], atol=1e-5)
        assert same == (not has_centroid_codes)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_concepts_that_are_surely_wrong_learn_in_half_precision(kind: torch.dtype) -> None:
    """Probabilities of .999 and more, everywhere, in a picture of two halves."""
    frame = Frame(image_size=(64, 64))
    features_BCHW, label_BHW = torch.zeros(1, 6, 8, 8), torch.zeros(1, 8, 8, dtype=torch.long)
    features_BCHW[:, 0], label_BHW[:, :, 4:] = 1, 1
    found = []
    for is_enabled in (False, True):
        torch.manual_seed(0)
        stage = concept_tokens(num_concepts=8, has_pixel_codes=False)
        torch.nn.init.zeros_(stage.concepts.weight)
        with torch.no_grad():
            stage.concepts.weight[:, 0] = torch.linspace(6.8, 10.5, 8)
        with torch.autocast("cpu", kind, enabled=is_enabled):
            evidence = stage(FeatureMaps((features_BCHW,), (8,)), frame).evidence[-1]
            loss = ConceptRegions(total=8)(evidence.weight_BKHW, label_BHW)
        loss.backward()
        found.append(torch.stack([loss.detach(), stage.concepts.weight.grad.norm()]))
    assert (found[0] > 0.1).all()
    torch.testing.assert_close(found[1], found[0], rtol=0.02, atol=0)


@pytest.mark.parametrize(
    ("channels", "cells", "limit"),
    [(512, 64, 12e9), (2048, 16, 5.3e9)],
    ids=["FCN-R101", "MaskFormer-R101"],
)
def test_multiply_adds_at_512x512(channels: int, cells: int, limit: float) -> None:
    stage = ConceptTokens(FeatureLayout((channels,), (8,)))  # In training mode: no fused layers, all is counted.
    features = FeatureMaps((torch.zeros(1, channels, cells, cells),), (8,))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        stage(features, Frame(image_size=(512, 512)))
    added = counter.get_total_flops() / 2
    assert 0.5 * limit < added <= limit


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        stage = ConceptTokens(FeatureLayout((512,), (8,)))
    embeddings_and_widths = 2 * 1024 * 512 + 512 * 512 + 512
    layer = 4 * (512 * 512 + 512) + 2 * 512 * 2048 + 2048 + 512 + 4 * 512
    assert num_parameters(stage) == embeddings_and_widths + 2 * layer == 7_616_000


def test_widths_that_no_head_divides() -> None:
    for width, heads in ((9, 3), (8, 3)):
        with pytest.raises(BadInput, match="the width of tokens must be even and a multiple of num_heads"):
            concept_tokens(width=width, num_heads=heads)


def test_the_config_builds_what_it_says() -> None:
    config = validated(ConceptTokensConfig, {**SMALL, "num_layers": 3, "pixel_codes": False}, source="a test")
    stage = config.build(FeatureLayout((3, 6), (4, 8)))
    assert (len(stage.refine.layers), stage.has_pixel_codes, stage.has_centroid_codes) == (3, False, True)
    assert stage.concepts.weight.shape == (5, 12) and stage.layout == FeatureLayout((3, 6), (4, 8))
    with pytest.raises(BadInput, match="did you mean"):
        validated(ConceptTokensConfig, {"num_concept": 5}, source="a test")
