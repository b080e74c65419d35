"""Class scores of mask queries by a loop."""

import math

import pytest
import torch

from mereo.heads.mask_queries import MaskQueriesPrediction, class_scores


def test_scores_by_a_loop() -> None:
    torch.manual_seed(0)
    class_logits_BQK1, mask_logits_BQhw = torch.randn(2, 3, 5).double(), torch.randn(2, 3, 2, 2).double()
    scores_BKhw = class_scores(class_logits_BQK1, mask_logits_BQhw)
    for b in range(2):
        for k in range(4):
            for row in range(2):
                for column in range(2):
                    total = 0.0
                    for q in range(3):
                        exponentials = [math.exp(one) for one in class_logits_BQK1[b, q].tolist()]
                        inside = 1 / (1 + math.exp(-float(mask_logits_BQhw[b, q, row, column])))
                        total += exponentials[k] / sum(exponentials) * inside
                    assert float(scores_BKhw[b, k, row, column]) == pytest.approx(total, rel=1e-5)


def test_a_pixel_in_no_mask_is_undecided_not_undefined() -> None:
    nowhere = MaskQueriesPrediction(torch.zeros(1, 2, 4), torch.full((1, 2, 1, 1), -1e4))
    torch.testing.assert_close(nowhere.class_probability_BKhw, torch.full((1, 3, 1, 1), 1 / 3))
