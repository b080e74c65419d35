"""Attention written out, beside a loop; wide under autocast."""

import pytest
import torch
from written_out import softmax, weighted_sum

from mereo.errors import BadInput
from mereo.features.softmax_attention import attended


def test_against_a_loop() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, *shape, dtype=torch.float64) for shape in ((3, 5), (3, 7), (4, 7)))
    gathered, weights = attended(query, key, value)
    assert gathered.shape == (2, 4, 5) and weights.shape == (2, 5, 7)
    for b in range(2):
        for n in range(5):
            wanted = softmax([float(query[b, :, n] @ key[b, :, m]) for m in range(7)])
            assert weights[b, n].tolist() == pytest.approx(wanted)
            torch.testing.assert_close(gathered[b, :, n], weighted_sum(wanted, list(value[b].T)))


def test_products_beyond_half_precision_are_no_matter() -> None:
    """A product of 120000 is infinite in float16, and one of 300 has no neighbours within 2 of it in bfloat16."""
    query, key = torch.full((1, 1, 1), 300.0), torch.tensor([[[400.0, 400.01]]])
    value = torch.tensor([[[0.0, 1.0]]])
    with torch.autocast("cpu", torch.bfloat16):
        gathered, _ = attended(query, key, value)
    assert gathered.dtype == torch.float32
    assert float(gathered) == pytest.approx(1 / (1 + torch.tensor(-3.0).exp().item()), abs=1e-2)
    halves, _ = attended(query.half(), torch.tensor([[[400.0, 300.0]]]).half(), value.half())
    assert halves.dtype == torch.float32 and float(halves) == 0


def test_tokens_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="axis M must have one size everywhere, but got 2 in key_BCM and 3 in value_BDM"):
        attended(torch.zeros(1, 4, 5), torch.zeros(1, 4, 2), torch.zeros(1, 4, 3))
