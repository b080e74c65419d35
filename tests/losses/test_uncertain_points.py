"""Points: read where they lie, and most of them where the mask is unsure."""

import torch

from mereo.losses.uncertain_points import uncertain_points, values_at


def test_values_between_pixels() -> None:
    map_NHW = torch.tensor([[[0.0, 4.0], [8.0, 12.0]]])
    point_NP2 = torch.tensor([[[0.25, 0.25], [0.75, 0.25], [0.5, 0.5], [0.0, 0.25]]])  # (x, y)
    assert values_at(map_NHW, point_NP2).tolist() == [[0.0, 4.0, 6.0, 0.0]]


def test_the_edge_is_repeated_only_where_asked() -> None:
    corner_NP2 = torch.zeros(1, 1, 2)
    assert float(values_at(torch.ones(1, 3, 3), corner_NP2)) == 0.25
    assert float(values_at(torch.ones(1, 3, 3), corner_NP2, repeats_edge=True)) == 1


def test_most_points_lie_on_the_contour() -> None:
    torch.manual_seed(0)
    logits_Nhw = torch.linspace(-8, 8, 32).expand(2, 32, 32)  # Unsure in the middle columns.
    point_NP2 = uncertain_points(logits_Nhw, num_points=400, oversampling=4.0, uncertain_share=0.75)
    assert point_NP2.shape == (2, 400, 2)
    assert 0 <= float(point_NP2.min()) <= float(point_NP2.max()) <= 1
    from_middle_NP = (point_NP2[..., 0] - 0.5).abs()
    # The least sure 300 of 1600 even points lie in the middle 3/16 of the width; or at the edge, behind which lies 0.
    is_at_edge_NP = ((point_NP2 - 0.5).abs() > 0.5 - 0.5 / 32).any(dim=2)
    assert from_middle_NP[:, :300][~is_at_edge_NP[:, :300]].max() < 0.14
    assert is_at_edge_NP[:, :300].float().mean() < 0.2
    assert from_middle_NP[:, 300:].max() > 0.4


def test_all_random() -> None:
    assert uncertain_points(torch.zeros(1, 4, 4), num_points=7, uncertain_share=0.0).shape == (1, 7, 2)
