"""Deformable attention against loops in float64, its gradients, and where a fresh one looks."""

import math

import pytest
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.deformable_attention import DeformableAttention, deformable_attention, grid_centres

SIZES = [(2, 3), (5, 4)]


def value_between(value_CHW: Tensor, x: float, y: float) -> Tensor:
    """Bilinear between pixel centres, 0 outside the map."""
    _, height, width = value_CHW.shape
    column, row = x * width - 0.5, y * height - 0.5
    total_C = value_CHW.new_zeros(len(value_CHW))
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            if 0 <= i < height and 0 <= j < width:
                total_C = total_C + (1 - abs(row - i)) * (1 - abs(column - j)) * value_CHW[:, i, j]
    return total_C


def random_inputs() -> tuple[list[Tensor], Tensor, Tensor]:
    torch.manual_seed(0)
    values = [torch.randn(2, 6, *size, dtype=torch.float64) for size in SIZES]
    location_BQGLN2 = torch.rand(2, 4, 3, 2, 5, 2, dtype=torch.float64) * 1.4 - 0.2  # Some lie outside.
    weight_BQGLN = torch.rand(2, 4, 3, 2, 5, dtype=torch.float64)
    return values, location_BQGLN2, weight_BQGLN


def test_the_function_by_loops() -> None:
    values, location_BQGLN2, weight_BQGLN = random_inputs()
    out_BQC = deformable_attention(values, location_BQGLN2, weight_BQGLN)
    assert out_BQC.shape == (2, 4, 6)
    for b in range(2):
        for q in range(4):
            for head in range(3):
                of_head = slice(2 * head, 2 * head + 2)
                total = torch.zeros(2, dtype=torch.float64)
                for level, value_BCHW in enumerate(values):
                    for n in range(5):
                        x, y = location_BQGLN2[b, q, head, level, n].tolist()
                        total += weight_BQGLN[b, q, head, level, n] * value_between(value_BCHW[b, of_head], x, y)
                torch.testing.assert_close(out_BQC[b, q, of_head], total)


def test_gradients() -> None:
    values, location_BQGLN2, weight_BQGLN = random_inputs()
    inputs = [one.requires_grad_() for one in (*values, location_BQGLN2, weight_BQGLN)]
    assert torch.autograd.gradcheck(lambda a, b, *others: deformable_attention([a, b], *others), inputs)


def test_the_module_by_loops() -> None:
    torch.manual_seed(1)
    module = DeformableAttention(6, num_heads=3, num_levels=2, num_points=4).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    num_tokens = sum(height * width for height, width in SIZES)
    query_BPC, tokens_BPC = (torch.randn(2, num_tokens, 6, dtype=torch.float64) for _ in range(2))
    out_BPC = module(query_BPC, tokens_BPC, SIZES)
    first = SIZES[0][0] * SIZES[0][1]
    for b, token in ((0, 0), (1, 4), (1, first + 7)):
        level, index = (0, token) if token < first else (1, token - first)
        y, x = ((part + 0.5) / side for part, side in zip(divmod(index, SIZES[level][1]), SIZES[level]))
        offsets = module.offsets(query_BPC[b, token]).float().view(3, 2, 4, 2)
        weights = module.weights(query_BPC[b, token]).float().view(3, 8).softmax(dim=1).view(3, 2, 4)
        values = module.value(tokens_BPC[b]).split([first, num_tokens - first])
        maps = [value.T.unflatten(1, size) for value, size in zip(values, SIZES)]
        heads = []
        for head in range(3):
            total = torch.zeros(2, dtype=torch.float64)
            for other, (height, width) in enumerate(SIZES):
                for n in range(4):
                    dx, dy = offsets[head, other, n].tolist()
                    value = value_between(maps[other][2 * head : 2 * head + 2], x + dx / width, y + dy / height)
                    total += weights[head, other, n] * value
            heads.append(total)
        torch.testing.assert_close(out_BPC[b, token], module.out(torch.cat(heads)), rtol=1e-5, atol=1e-6)


def test_centres_run_map_by_map() -> None:
    assert grid_centres([(1, 2), (2, 1)]).tolist() == [[0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]


def test_a_fresh_one_looks_around_itself() -> None:
    offset_GLN2 = DeformableAttention(8, num_heads=4, num_levels=1, num_points=3).offsets.bias.detach().view(4, 3, 2)
    directions = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    wanted = torch.tensor([[[step * x, step * y] for step in (1, 2, 3)] for x, y in directions], dtype=torch.float32)
    torch.testing.assert_close(offset_GLN2, wanted, atol=1e-6, rtol=0)


def test_heads_that_do_not_divide_the_width() -> None:
    with pytest.raises(BadInput, match="width must be a multiple of its 3 heads, but got 8"):
        DeformableAttention(8, num_heads=3)
