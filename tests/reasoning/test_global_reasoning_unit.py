"""Global reasoning unit: the paper's equations by a loop in float64, and what the evidence says."""

from typing import Any

import torch
from contract import ReasonerContract
from torch import Tensor
from written_out import answer_of, linear, normed, small_map, trained

from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.reasoning.global_reasoning_unit import GlobalReasoningUnit, GlobalReasoningUnitConfig
from mereo.reasoning.graph_convolution import GraphConvolution
from mereo.reasoning.token_regions import TokenRegions

LAYOUT = FeatureLayout((6,), (8,))


class TestGlobalReasoningUnit(ReasonerContract):
    config: dict[str, Any] = {"stage": "global_reasoning_unit", "num_nodes": 3, "width": 4}

    def build(self, layout: FeatureLayout) -> GlobalReasoningUnit:
        return GlobalReasoningUnit(layout, num_nodes=3, width=4)

    def asked_of(self, answer: FeatureMaps) -> list[Tensor]:
        return [*answer.maps, answer.evidence[-1].weight_BKHW]


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(GlobalReasoningUnit(LAYOUT, num_nodes=3, width=4))
    last_BCHW = small_map(6)
    answer = answer_of(stage, last_BCHW)
    evidence = answer.evidence[-1]
    assert isinstance(evidence, TokenRegions)
    adjacency = torch.eye(3, dtype=torch.float64) + stage.reason.edges.weight.detach()  # I - A
    for b, features_CHW in enumerate(last_BCHW):
        pixels = list(features_CHW.flatten(1).T)
        projections = [linear(stage.project, pixel) for pixel in pixels]
        states = [linear(stage.reduce, pixel) for pixel in pixels]
        nodes = [sum(p[k] * s for p, s in zip(projections, states)) / len(pixels) for k in range(3)]
        torch.testing.assert_close(evidence.nodes_BKD[b], torch.stack(nodes))
        heard = [sum(adjacency[k, i] * nodes[i] for i in range(3)) for k in range(3)]
        refined = [stage.reason.states.weight.detach() @ one.clamp(min=0) for one in heard]
        for p, pixel in enumerate(pixels):
            back = sum(projections[p][k] * refined[k] for k in range(3))
            enhanced = pixel + normed(stage.norm, linear(stage.widen, back)[:, None])[:, 0]
            torch.testing.assert_close(answer.last[b, :, p // 4, p % 4], enhanced)
            torch.testing.assert_close(evidence.weight_BKHW[b, :, p // 4, p % 4], projections[p].abs())


def test_a_graph_convolution_without_edges_changes_each_node_alone() -> None:
    torch.manual_seed(0)
    convolve = GraphConvolution(4, 5)
    torch.nn.init.zeros_(convolve.edges.weight)
    nodes_BKD = torch.randn(2, 4, 5)
    torch.testing.assert_close(convolve(nodes_BKD), nodes_BKD.relu() @ convolve.states.weight.t())


def test_the_config_builds_what_it_says() -> None:
    stage = GlobalReasoningUnitConfig(num_nodes=7, width=9).build(LAYOUT)
    assert stage.project.out_channels == 7 and stage.reduce.out_channels == 9


def test_nodes_are_sums_in_full_precision_whatever_autocast_says() -> None:
    torch.manual_seed(0)
    stage = GlobalReasoningUnit(LAYOUT, num_nodes=3, width=4).eval()
    last_BCHW = torch.rand(1, 6, 64, 64)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        nodes_BKD = answer_of(stage, last_BCHW).evidence[-1].nodes_BKD
        projection_BKP, reduced_BDP = (one(last_BCHW).double().flatten(2) for one in (stage.project, stage.reduce))
    wanted_BKD = projection_BKP @ reduced_BDP.transpose(1, 2) / 4096
    assert nodes_BKD.dtype == torch.float32
    torch.testing.assert_close(nodes_BKD.double(), wanted_BKD, rtol=1e-5, atol=1e-6)
