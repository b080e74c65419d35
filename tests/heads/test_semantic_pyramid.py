"""The pyramid's head: sizes, who sees what, equations 3 and 4 by a loop, cost as printed, all switches."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "features"))
from stage_contract import one_of, random_features
from written_out import softmax

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.pyramid_sampling import pyramid_sampled
from mereo.heads.coarse_to_fine import Aggregation, CoarseToFine
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidConfig, SemanticPyramidPrediction
from mereo.heads.unity_pyramid import UnityPyramid
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout((5, 7), (2, 4))
SIZE = (32, 64)
SMALL: dict[str, Any] = {"num_classes": 3, "num_levels": 3, "width": 8, "key_width": 4, "unity_width": 6}
SWITCHES = [
    {"context": context, "representation": representation}
    for context in ("coarse_to_fine", "none")
    for representation in ("pyramid", "auxiliary", "finest")
]


def head_of(**others: Any) -> SemanticPyramid:
    torch.manual_seed(0)
    return SemanticPyramid(LAYOUT, **{**SMALL, **others})


def answer_of(head: SemanticPyramid, size: tuple[int, int] = SIZE) -> SemanticPyramidPrediction:
    prediction: SemanticPyramidPrediction = head(random_features(LAYOUT, size), Frame(size))
    return prediction


def tensors_of(prediction: SemanticPyramidPrediction) -> list[Tensor]:
    return [*prediction.logits_per_level, *prediction.unity_logits_per_level]


def test_grids_double_from_level_to_level() -> None:
    head = head_of()
    prediction = answer_of(head)
    assert (head.size_multiple, prediction.cell_sizes, prediction.threshold) == (16, (16, 8, 4), 0.5)
    assert [tuple(t.shape) for t in prediction.logits_per_level] == [(2, 3, 2, 4), (2, 3, 4, 8), (2, 3, 8, 16)]
    assert [tuple(t.shape) for t in prediction.unity_logits_per_level] == [(2, 2, 4), (2, 4, 8)]
    for probability_BKhw in prediction.probability_per_level:
        torch.testing.assert_close(probability_BKhw.sum(dim=1), torch.ones_like(probability_BKhw[:, 0]))
    assert all(((u > 0) & (u < 1)).all() for u in prediction.unity_per_level)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_parameter_has_a_finite_gradient(switches: dict[str, Any]) -> None:
    head = head_of(**switches).train()
    prediction = answer_of(head)
    sum(one.square().mean() for one in tensors_of(prediction)).backward()
    without = [name for name, parameter in head.named_parameters() if parameter.grad is None]
    assert not without
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    num_scored = 1 if switches["representation"] == "finest" else 3
    assert len(prediction.logits_per_level) == len(prediction.cell_sizes) == num_scored
    assert len(prediction.unity_logits_per_level) == (2 if switches["representation"] == "pyramid" else 0)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_a_batch_of_two_is_two_batches_of_one(switches: dict[str, Any]) -> None:
    head, features = head_of(**switches).eval(), random_features(LAYOUT, SIZE)
    together = tensors_of(head(features, Frame(SIZE)))
    for index in range(2):
        for one, both in zip(tensors_of(head(one_of(features, index), Frame(SIZE))), together):
            torch.testing.assert_close(both[index : index + 1], one, rtol=1e-4, atol=1e-5)


def test_saved_and_loaded_weights_answer_the_same() -> None:
    head, other = head_of().eval(), head_of().eval()
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    other.load_state_dict(load(save(head.state_dict())))
    for first, second in zip(tensors_of(answer_of(head)), tensors_of(answer_of(other))):
        assert torch.equal(first, second)


def test_it_runs_in_mixed_precision_and_on_one_image_of_one_cell() -> None:
    head = head_of().train()
    with torch.autocast("cpu", torch.bfloat16):
        assert all(one.isfinite().all() for one in tensors_of(answer_of(head)))
    one = one_of(random_features(LAYOUT, (16, 16)), 0)
    sum(t.sum() for t in tensors_of(head(one, Frame((16, 16))))).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


def test_a_unity_sees_its_own_cell_alone() -> None:
    torch.manual_seed(0)
    unity = UnityPyramid(7, num_levels=3, width=6).eval()
    features_BCHW = torch.randn(1, 7, 8, 16)
    other_BCHW = features_BCHW.clone()
    other_BCHW[:, :, 4:8, 8:12] += 1
    for level, (before, after) in enumerate(zip(unity(features_BCHW), unity(other_BCHW))):
        changed = (before != after).nonzero()[:, 1:].tolist()
        side = 4 // 2**level
        assert changed == [[y, x] for y in range(4 // side, 8 // side) for x in range(8 // side, 12 // side)]


def test_without_context_a_level_sees_its_own_cell_alone() -> None:
    head = head_of(context="none").eval()
    features = random_features(LAYOUT, SIZE)
    last_BCHW = features.last.clone()
    last_BCHW[:, :, 4:8, 8:12] += 1
    before, after = (head(one, Frame(SIZE)).logits_per_level for one in (features, features.with_last(last_BCHW)))
    assert [(a != b).any(dim=1)[0].sum().item() for a, b in zip(before, after)] == [1, 4, 16]


def test_aggregation_by_a_loop() -> None:
    """Equation 3 before F_agg: every cell asks all of the context."""
    torch.manual_seed(0)
    aggregate = Aggregation(6, 4, is_finest=True).double().eval()
    features_BCHW, context_BCS = torch.randn(1, 6, 2, 3).double(), torch.randn(1, 6, 5).double()
    with torch.no_grad():
        found = aggregate(features_BCHW, context_BCS)
        cells = []
        for y in range(2):
            for x in range(3):
                pixel = features_BCHW[0, :, y, x]
                query = aggregate.query.weight[:, :, 0, 0] @ pixel + aggregate.query.bias
                keys = [aggregate.key.weight[:, :, 0] @ context_BCS[0, :, s] + aggregate.key.bias for s in range(5)]
                values = [
                    aggregate.value.weight[:, :, 0] @ context_BCS[0, :, s] + aggregate.value.bias for s in range(5)
                ]
                weights = softmax([float(query @ key) / 2.0 for key in keys])  # The root of 4.
                gathered = sum(w * v for w, v in zip(weights, values))
                widened = aggregate.widen.weight[:, :, 0, 0] @ gathered + aggregate.widen.bias
                cells.append(torch.cat([widened, pixel]))
        joined = aggregate.join(torch.stack(cells, dim=1).view(1, 12, 2, 3))
    torch.testing.assert_close(found, joined)


def test_the_context_holds_what_coarser_levels_found() -> None:
    """Equation 4: a change on the coarsest level reaches all, one on the finest reaches it alone (and the start)."""
    torch.manual_seed(0)
    context = CoarseToFine(num_levels=3, width=6, key_width=4).eval()
    levels = [torch.randn(1, 6, 2, 2), torch.randn(1, 6, 4, 4), torch.randn(1, 6, 8, 8)]
    with torch.no_grad():
        before = context(levels)
        changed = context([levels[0] + 1, *levels[1:]])
        assert [not torch.allclose(a, b) for a, b in zip(before, changed)] == [True, True, True]
        changed = context([levels[0], levels[1] + 1, levels[2]])
        assert [not torch.allclose(a, b) for a, b in zip(before, changed)] == [False, True, True]
    assert [tuple(one.shape) for one in before] == [tuple(one.shape) for one in levels]


def test_equation_4_written_out() -> None:
    torch.manual_seed(0)
    context = CoarseToFine(num_levels=2, width=6, key_width=4).eval()
    levels = [torch.randn(1, 6, 4, 4), torch.randn(1, 6, 8, 8)]
    with torch.no_grad():
        first = pyramid_sampled(levels[-1])
        assert first.shape == (1, 6, 110)
        coarse = context.aggregate[0](levels[0], first)
        second = context.update[0](torch.cat([pyramid_sampled(coarse), first], dim=1))
        assert second.shape == first.shape
        fine = context.aggregate[1](levels[1], second)
        for found, wanted in zip(context(levels), (coarse, fine)):
            torch.testing.assert_close(found, wanted)


def multiply_adds(module: torch.nn.Module, *inputs: Any) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return counter.get_total_flops() / 2


def test_cost_at_the_papers_widths() -> None:
    """1.3 times a 3x3 convolution 720 -> 512 on the finest level; 1.32 with the unity head (HRNet-48, 512x512)."""
    with FakeTensorMode():
        features = FeatureMaps((torch.empty(1, 720, 128, 128),), (4,))
        convolution = multiply_adds(torch.nn.Conv2d(720, 512, 3, padding=1), features.last)
        head = SemanticPyramid(FeatureLayout((720,), (4,)), num_classes=150).eval()
        whole = multiply_adds(head, features, Frame((512, 512)))
        of_unity = multiply_adds(head.unity, features.last)
    assert 1.25 < (whole - of_unity) / convolution <= 1.30
    assert whole / convolution <= 1.32


def test_grids_that_do_not_halve() -> None:
    with pytest.raises(
        BadInput, match="sides that are multiples of 4, but got 5x8; resize pictures to multiples of 16"
    ):
        head_of()(random_features(LAYOUT, (32, 20)), Frame((32, 20)))


def test_wrong_settings() -> None:
    with pytest.raises(BadInput, match="a pyramid must have at least 2 levels, but got 1"):
        head_of(num_levels=1)
    with pytest.raises(BadInput, match="threshold must be from 0 to 1, but got 2"):
        head_of(threshold=2)
    assert SemanticPyramid(FeatureLayout((7,), (14,)), **SMALL).cell_sizes[-1] == 14  # As of patches of a transformer.
    with pytest.raises(BadInput, match="unknown"):
        validated(SemanticPyramidConfig, {"context": "unknown"}, source="a test")
