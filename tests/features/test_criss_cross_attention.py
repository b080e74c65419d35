"""Criss-cross attention: the paper's equations by a loop in float64, what two passes reach, memory, sizes."""

from typing import Any

import pytest
import torch
from stage_contract import StageContract
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from written_out import answer_of, linear, num_parameters, small_map, softmax, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.criss_cross_attention import CrissCrossAttention, CrissCrossAttentionConfig, on_the_cross
from mereo.features.feature_maps import FeatureLayout
from mereo.features.projection import Projection
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout((16,), (8,))


class TestCrissCrossAttention(StageContract):
    def build(self, layout: FeatureLayout) -> CrissCrossAttention:
        return CrissCrossAttention(layout)


class TestCrissCrossAttentionWithAnOpenGate(StageContract):
    """As after training: the gate starts at 0, which hides the attention from most of the contract."""

    def build(self, layout: FeatureLayout) -> CrissCrossAttention:
        stage = CrissCrossAttention(layout)
        torch.nn.init.constant_(stage.gate, 0.7)
        return stage


def one_pass(stage: CrissCrossAttention, features_CHW: Tensor) -> Tensor:
    _, height, width = features_CHW.shape
    answer = torch.zeros_like(features_CHW)
    for y in range(height):
        for x in range(width):
            cross = {(y, other) for other in range(width)} | {(other, x) for other in range(height)}
            assert len(cross) == height + width - 1
            pixels = [features_CHW[:, row, column] for row, column in sorted(cross)]
            query = linear(stage.query, features_CHW[:, y, x])
            weights = softmax([float(query @ linear(stage.key, pixel)) for pixel in pixels])
            gathered = weighted_sum(weights, [linear(stage.value, pixel) for pixel in pixels])
            answer[:, y, x] = stage.gate.item() * gathered + features_CHW[:, y, x]
    return answer


@pytest.mark.parametrize("size", [(3, 4), (1, 4), (4, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("passes", [1, 2])
def test_equations_by_a_loop(size: tuple[int, int], passes: int) -> None:
    torch.manual_seed(0)
    stage = trained(CrissCrossAttention(LAYOUT, passes=passes))
    last_BCHW = small_map(16, size=size)
    wanted = list(last_BCHW)
    for _ in range(passes):
        wanted = [one_pass(stage, features_CHW) for features_CHW in wanted]
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, torch.stack(wanted))


def test_a_pixel_counts_itself_once() -> None:
    """Equal keys: each of the H + W - 1 pixels has the same weight."""
    value = torch.zeros(1, 1, 3, 4)
    value[0, 0, 1, 2] = 1
    gathered = on_the_cross(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), value)
    wanted = torch.zeros(3, 4)
    wanted[1, :] = wanted[:, 2] = 1 / 6
    torch.testing.assert_close(gathered[0, 0], wanted)


@pytest.mark.parametrize(("passes", "num_reached"), [(1, 6), (2, 12)])
def test_two_passes_reach_every_pixel(passes: int, num_reached: int) -> None:
    torch.manual_seed(0)
    stage = trained(CrissCrossAttention(LAYOUT, passes=passes))
    last_BCHW = small_map(16, batch_size=1).requires_grad_()
    current = last_BCHW
    for _ in range(passes):
        gathered = on_the_cross(stage.query(current), stage.key(current), stage.value(current))
        current = stage.gate * gathered + current
    current[0, :, 0, 0].sum().backward()
    assert int((last_BCHW.grad.abs().sum(dim=1) > 0).sum()) == num_reached


class LargestTensor(TorchDispatchMode):
    numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = function(*args, **(kwargs or {}))
        for tensor in answer if isinstance(answer, list | tuple) else (answer,):
            if isinstance(tensor, Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return answer


def test_no_matrix_of_all_pixels_by_all_pixels() -> None:
    tensors = [torch.zeros(1, 2, 40, 50) for _ in range(3)]
    with LargestTensor() as largest:
        on_the_cross(*tensors)
    assert 40 * 50 * 40 < largest.numbers <= 40 * 50 * (40 + 50)


def test_attention_is_wide_under_autocast() -> None:
    tensors = [torch.randn(1, 2, 3, 4) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        narrow = on_the_cross(*tensors)
    assert torch.equal(narrow, on_the_cross(*tensors))


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        projection = Projection(FeatureLayout((2048,), (8,)), width=512)
        stage = CrissCrossAttention(projection.layout)
    # Queries and keys of 512 / 8, values, one gate, for both passes.
    assert num_parameters(stage) == 2 * (512 * 64 + 64) + 512 * 512 + 512 + 1 == 328_321
    assert num_parameters(projection, stage) == 9_766_529


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"passes": 0}, "passes: .*greater than or equal to 1, but got 0"),
        ({"pases": 2}, "did you mean 'passes'"),
    ],
)
def test_wrong_settings(content: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        validated(CrissCrossAttentionConfig, content, source="a test")


def test_the_config_builds_what_it_says() -> None:
    assert CrissCrossAttentionConfig(passes=3).build(FeatureLayout((3, 4), (4, 8))).passes == 3
