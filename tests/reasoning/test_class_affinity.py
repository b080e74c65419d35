"""Class affinity: equations 2 to 4 against a loop in float64, and what must not matter."""

from typing import Any

import pytest
import torch
from contract import ReasonerContract
from stage_contract import random_features
from without_doubles import WithoutDoubles

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.class_affinity import AffinityEvidence, ClassAffinity, ClassAffinityConfig
from mereo.reasoning.cooccurrence import class_affinity

COUNTS_KK = torch.tensor([[9, 6, 2, 0], [6, 7, 1, 0], [2, 1, 3, 0], [0, 0, 0, 2]])
LAYOUT = FeatureLayout(channels=(5,), strides=(4,))


def affinity_stage(layout: FeatureLayout = LAYOUT, *, seed: int = 0, **others: Any) -> ClassAffinity:
    """A guess that says several classes, and norms as after training; a sum shows what each region learned."""
    torch.manual_seed(seed)
    settings = {"cooccurrence_KK": COUNTS_KK, "back_to_pixels": "sum", **others}
    stage = ClassAffinity(layout, num_classes=4, **settings)
    torch.nn.init.normal_(stage.guess.weight)
    return stage


class TestClassAffinity(ReasonerContract):
    config = {"stage": "class_affinity", "back_to_pixels": "sum"}
    losses = [
        {"loss": "pixel_cross_entropy"},
        {"loss": "coarse_pixels"},
        {"loss": "region_classification"},
    ]
    messages = "both"
    edges = "counted"

    def build(self, layout: FeatureLayout) -> ClassAffinity:
        return affinity_stage(layout, messages=self.messages, edges=self.edges)

    def asked_of(self, answer: FeatureMaps) -> list[torch.Tensor]:
        return [*answer.maps, answer.evidence[-1].coarse_logits_BKHW]

    def prepare(self, parser: SceneParser) -> None:
        for stage in parser.path:
            if isinstance(stage, ClassAffinity):
                torch.nn.init.normal_(stage.guess.weight)
                if stage.edges == "counted":
                    stage.take_counts(COUNTS_KK[:3, :3])


class TestPositiveAffinity(TestClassAffinity):
    config = {"stage": "class_affinity", "messages": "positive", "back_to_pixels": "sum"}
    messages = "positive"


class TestNegativeAffinity(TestClassAffinity):
    config = {"stage": "class_affinity", "messages": "negative", "shares_suppression": True, "back_to_pixels": "sum"}
    messages = "negative"


class TestLearnedEdges(TestClassAffinity):
    config = {"stage": "class_affinity", "edges": "learned", "back_to_pixels": "sum"}
    edges = "learned"


class TestProduct(TestClassAffinity):
    config = {"stage": "class_affinity", "back_to_pixels": "product"}


class TestConcatenation(TestClassAffinity):
    config = {"stage": "class_affinity"}


def loop_refined(stage: ClassAffinity, last_BCHW: torch.Tensor) -> torch.Tensor:
    """Pixel by pixel and class by class, as the paper reads. The norm in evaluation mode."""
    f = class_affinity(COUNTS_KK, normalise=stage.normalise)
    guess = torch.einsum("bchw,kc->bkhw", last_BCHW, stage.guess.weight[:, :, 0, 0]) + stage.guess.bias[:, None, None]
    answer = last_BCHW.clone()
    norm = stage.norm
    for b in range(len(last_BCHW)):
        label = guess[b].argmax(0)
        present = sorted(set(label.flatten().tolist()))
        node = {k: last_BCHW[b][:, label == k].mean(1) for k in present}
        for j in present:
            negative, positive = torch.zeros(5).double(), torch.zeros(5).double()
            for i in present:
                if stage.edges == "learned":
                    e_positive = e_negative = 1.0
                else:
                    e_positive, e_negative = f[i, j], 1 - f[i, j]
                positive += node[i] * e_positive
                negative += node[i] * e_negative / (len(present) if stage.shares_suppression else 1)
            parts = [node[j]]
            if stage.suppress is not None:
                parts.append(node[j] - stage.suppress.strength * (stage.suppress.transform.weight @ negative))
            if stage.support is not None:
                parts.append(node[j] + stage.support.strength * (stage.support.transform.weight @ positive))
            joined = stage.join.weight @ torch.cat(parts)
            joined = (joined - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
            for y, x in (label == j).nonzero().tolist():
                answer[b, :, y, x] = back(stage, last_BCHW[b, :, y, x], joined.clamp(min=0))
    return answer


def back(stage: ClassAffinity, own_C: torch.Tensor, region_C: torch.Tensor) -> torch.Tensor:
    if stage.back_to_pixels == "concatenation":
        convolve, norm, _ = stage.meet
        met_C = convolve.weight[:, :, 0, 0] @ torch.cat([own_C, region_C])
        return ((met_C - norm.running_mean) / (norm.running_var + norm.eps).sqrt()).clamp(min=0)
    return own_C + region_C if stage.back_to_pixels == "sum" else own_C + own_C * region_C


@pytest.mark.parametrize("back_to_pixels", ["product", "concatenation"])
def test_ways_back_to_pixels_against_a_loop(back_to_pixels: str) -> None:
    stage = affinity_stage(edges="counted", back_to_pixels=back_to_pixels).double().eval()
    features = FeatureMaps((torch.randn(2, 5, 4, 6, dtype=torch.float64),), (4,))
    with torch.no_grad():
        answer = stage(features, Frame(image_size=(16, 24)))
        torch.testing.assert_close(answer.last, loop_refined(stage, features.last))


@pytest.mark.parametrize(
    ("back_to_pixels", "is_one_shift"), [("sum", True), ("product", False), ("concatenation", False)]
)
def test_a_sum_tells_the_pixels_of_a_region_apart_as_before(back_to_pixels: str, is_one_shift: bool) -> None:
    """What a linear classifier says of two pixels of one region differs by the same, whatever the region heard."""
    stage = affinity_stage(edges="counted", back_to_pixels=back_to_pixels).eval()
    features = FeatureMaps((torch.randn(1, 5, 4, 6),), (4,))
    with torch.no_grad():
        stage.guess.bias.copy_(torch.tensor([99.0, 0, 0, 0]))  # One region.
        refined = stage(features, Frame(image_size=(16, 24))).last
    change_CP = (refined - features.last)[0].flatten(1)
    assert torch.allclose(change_CP, change_CP[:, :1].expand_as(change_CP), atol=1e-6) == is_one_shift


@pytest.mark.parametrize("messages", ["both", "positive", "negative"])
@pytest.mark.parametrize(
    ("edges", "normalise", "shares"),
    [
        ("counted", "target", False),
        ("counted", "source", False),
        ("counted", "target", True),
        ("counted", "source", True),
        ("learned", "target", False),
        ("learned", "target", True),
    ],
)
def test_equations_against_a_loop(messages: str, edges: str, normalise: str, shares: bool) -> None:
    stage = affinity_stage(edges=edges, messages=messages, normalise=normalise, shares_suppression=shares)
    stage = stage.double().eval()
    torch.nn.init.uniform_(stage.norm.running_var, 0.5, 2)
    torch.nn.init.normal_(stage.norm.running_mean)
    features = FeatureMaps((torch.randn(2, 5, 4, 6, dtype=torch.float64),), (4,))
    with torch.no_grad():
        answer = stage(features, Frame(image_size=(16, 24)))
        torch.testing.assert_close(answer.last, loop_refined(stage, features.last))


def test_by_hand_on_three_classes() -> None:
    """One channel, identity transforms, strength 1: 0 supports 1 fully, 2 is absent and says nothing."""
    counts_KK = torch.tensor([[4, 3, 1], [3, 3, 0], [1, 0, 1]])
    layout = FeatureLayout((1,), (1,))
    stage = ClassAffinity(layout, num_classes=3, cooccurrence_KK=counts_KK, back_to_pixels="sum").eval()
    with torch.no_grad():
        stage.guess.weight.copy_(torch.tensor([-1.0, 1.0, 0.0]).view(3, 1, 1, 1))
        stage.guess.bias.copy_(torch.tensor([0.0, 0.0, -99.0]))
        for messages in (stage.support, stage.suppress):
            messages.strength.fill_(1.0)
            messages.transform.weight.fill_(1.0)
        stage.join.weight.copy_(torch.tensor([[100.0, 10.0, 1.0]]))
        stage.norm.eps = 0.0
        # Class 0 where negative (mean -2), class 1 where positive (mean 3).
        features = FeatureMaps((torch.tensor([[[[-1.0, -3.0, 2.0, 4.0]]]]),), (1,))
        answer = stage(features, Frame(image_size=(1, 4)))
    evidence = answer.evidence[0]
    assert isinstance(evidence, AffinityEvidence)
    assert evidence.nodes_BKC[0, :, 0].tolist() == [-2.0, 3.0, 0.0]
    assert evidence.is_present_BK.tolist() == [[True, True, False]]
    # f_01 = 3/3 = 1, f_10 = 3/4; f_00 = f_11 = 1.
    assert evidence.positive_BKK[0].tolist() == [[1, 1, 0], [0.75, 1, 0], [0, 0, 0]]
    # F^p_0 = -2 + (-2 + .75*3) = -1.75, F^n_0 = -2 - (.25*3) = -2.75: 100*-2 + 10*-2.75 + -1.75 < 0, ReLU gives 0.
    # F^p_1 = 3 + (3 - 2) = 4, F^n_1 = 3 - 0 = 3: 300 + 30 + 4 = 334.
    assert answer.last[0, 0, 0].tolist() == [-1.0, -3.0, 336.0, 338.0]


def test_without_strength_all_three_are_the_node() -> None:
    stage = affinity_stage().double().eval()
    nodes_BKC, is_present_BK = torch.randn(2, 4, 5).double(), torch.ones(2, 4, dtype=torch.bool)
    edges = stage.edges_between(is_present_BK, dtype=torch.float64)
    with torch.no_grad():
        stage.support.strength.zero_()
        stage.suppress.strength.zero_()
        refined = stage.refined(nodes_BKC, is_present_BK, *edges)
        thrice = stage.norm(stage.join(nodes_BKC.repeat(1, 1, 3)).flatten(0, 1)[:, :, None, None]).relu()
    torch.testing.assert_close(refined.flatten(0, 1), thrice[:, :, 0, 0])


@pytest.mark.parametrize("edges", ["counted", "learned"])
def test_an_absent_class_influences_nothing(edges: str) -> None:
    """Whatever its counts are."""
    answers = []
    for count in (0, 1000):
        stage = affinity_stage(edges=edges).eval()
        with torch.no_grad():
            stage.guess.bias[3] = -1e6
            if edges == "counted":
                counts = COUNTS_KK.clone()
                counts[3, 3] = count
                stage.take_counts(counts)
            features = random_features(LAYOUT, (32, 48))
            answers.append(stage(features, Frame(image_size=(32, 48))).last)
    assert not (answers[0] - answers[1]).any()
    with torch.no_grad():
        evidence = stage(features, Frame(image_size=(32, 48))).evidence[-1]
    assert not evidence.is_present_BK[:, 3].any() and not evidence.nodes_BKC[:, 3].any()
    assert not evidence.positive_BKK[:, 3].any() and not evidence.negative_BKK[:, :, 3].any()


def test_the_norm_sees_present_regions_alone() -> None:
    stage = affinity_stage().train()
    features = random_features(LAYOUT, (32, 48))
    stage.norm.momentum = 1.0
    with torch.no_grad():
        stage.guess.bias[3] = -1e6  # Absent.
        answer = stage(features, Frame(image_size=(32, 48)))
        evidence = answer.evidence[-1]
        parts = [
            evidence.nodes_BKC,
            evidence.nodes_BKC - stage.suppress(evidence.nodes_BKC, evidence.negative_BKK),
            evidence.nodes_BKC + stage.support(evidence.nodes_BKC, evidence.positive_BKK),
        ]
        joined_NC = stage.join(torch.cat(parts, 2))[evidence.is_present_BK]
    torch.testing.assert_close(stage.norm.running_mean, joined_NC.mean(0))
    torch.testing.assert_close(stage.norm.running_var, joined_NC.var(0))


def test_no_gradient_goes_through_the_mask() -> None:
    """The guess learns from its own loss alone; features learn from both."""
    stage = affinity_stage().train()
    features_BCHW = random_features(LAYOUT, (32, 48)).last.requires_grad_()
    stage(FeatureMaps((features_BCHW,), (4,)), Frame(image_size=(32, 48))).last.square().sum().backward()
    assert stage.guess.weight.grad is None
    assert features_BCHW.grad is not None and features_BCHW.grad.abs().max() > 0


def test_printed_number_of_parameters() -> None:
    """2048*512 + 2*512*512 + 1536*512 + 512*59 = 2,389,504; with the guess, norms, biases and lambdas 2.42M."""
    config = ClassAffinityConfig(back_to_pixels="sum")
    names = [f"class {k}" for k in range(59)]
    stage = config.build(FeatureLayout((512,), (8,)), names)
    plain = 2048 * 512 + stage.support.transform.weight.numel() + stage.suppress.transform.weight.numel()
    plain += stage.join.weight.numel() + 512 * 59
    assert plain == 2_389_504
    everything = sum(p.numel() for p in stage.parameters()) + 2048 * 512 + 2 * 512 + 512 * 59 + 59
    assert everything == 2_389_504 + (512 * 59 + 59) + 2 * 512 + 2 * 512 + 59 + 2
    assert round(everything / 1e6, 2) == 2.42


def test_counts_travel_with_the_weights() -> None:
    stage = affinity_stage()
    other = ClassAffinityConfig(back_to_pixels="sum").build(LAYOUT, ["a", "b", "c", "d"])
    assert not other.cooccurrence_KK.any()
    other.load_state_dict(stage.state_dict())
    assert torch.equal(other.cooccurrence_KK, COUNTS_KK)
    assert "cooccurrence_KK" not in affinity_stage(edges="learned").state_dict()


@pytest.mark.parametrize("normalise", ["target", "source"])
def test_no_float64_is_made_on_the_device(normalise: str) -> None:
    stage, is_present_BK = affinity_stage(normalise=normalise), torch.ones(1, 4, dtype=torch.bool)
    wide = class_affinity(COUNTS_KK, normalise=normalise)
    stage.cooccurrence_KK = stage.cooccurrence_KK.as_subclass(WithoutDoubles)
    positive_BKK, _ = stage.edges_between(is_present_BK, dtype=torch.float32)
    assert torch.equal(positive_BKK[0].as_subclass(torch.Tensor), wide.float())


def test_it_is_exported(tmp_path: Any) -> None:
    """Presence depends on the picture; shapes do not."""
    stage = affinity_stage().eval()
    features = random_features(LAYOUT, (32, 48))

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = stage

        def forward(self, last_BCHW: torch.Tensor) -> torch.Tensor:
            return self.stage(FeatureMaps((last_BCHW,), (4,)), Frame(image_size=(32, 48))).last

    exported = torch.export.export(Maps(), (features.last,))
    torch.testing.assert_close(exported.module()(features.last), Maps()(features.last))
