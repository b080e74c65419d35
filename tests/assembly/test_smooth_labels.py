"""Smooth labels are those of bilinear shares of one map a label; the lowest of equal ones wins."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mereo.assembly import smooth_labels as module
from mereo.assembly.smooth_labels import neighbour_shares, smooth_labels
from mereo.assembly.upsampled_labels import labels_of_scores


@pytest.mark.parametrize(
    ("coarse", "size"), [((7, 9), (31, 40)), ((5, 5), (5, 5)), ((12, 8), (5, 3)), ((1, 1), (4, 6)), ((1, 6), (3, 17))]
)
def test_as_with_one_map_a_label(
    coarse: tuple[int, int], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BAND_PIXELS", 50)  # Several bands, also of a small picture.
    label_hw = np.random.default_rng(3).integers(0, 6, coarse)
    share_Khw = F.one_hot(torch.from_numpy(label_hw), 6).permute(2, 0, 1).float()
    np.testing.assert_array_equal(smooth_labels(label_hw, size), labels_of_scores(share_Khw, size, are_logits=False))


def test_the_lowest_of_equal_shares_wins_and_types_stay() -> None:
    label_hw = np.array([[9, 4], [4, 9]], dtype=np.uint16)
    found_HW = smooth_labels(label_hw, (3, 3))
    assert found_HW[1, 1] == 4 and found_HW.dtype == np.uint16


def test_shares_of_a_pixel_add_up_over_its_labels() -> None:
    label_hw = np.array([[1, 2], [2, 3]])
    label_4HW, share_4HW = neighbour_shares(label_hw, (8, 8), np.array([3]), np.array([2]))
    assert label_4HW[:, 0, 0].tolist() == [1, 2, 2, 3]
    shares = dict(zip(label_4HW[:, 0, 0].tolist(), share_4HW[:, 0, 0].tolist()))
    across, down = 0.125, 0.375  # (2.5 * 2 / 8 - 0.5), (3.5 * 2 / 8 - 0.5)
    assert shares == pytest.approx(
        {1: (1 - across) * (1 - down), 2: across * (1 - down) + (1 - across) * down, 3: across * down}
    )
