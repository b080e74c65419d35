"""Fusing a pyramid: exactly one level speaks for every pixel, and it is the coarsest that may."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mereo.errors import BadInput
from mereo.heads.pyramid_fusion import fuse_pyramid
from mereo.regions.cells import pyramid_targets, spread_to_finer


def random_pyramid(seed: int, num_levels: int = 3) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    sides = [(2 * 2**level, 3 * 2**level) for level in range(num_levels)]
    probabilities = [torch.rand(2, 4, *side, generator=generator) for side in sides]
    # Tenths: now and then exactly the threshold.
    unities = [torch.randint(0, 11, (2, *side), generator=generator) / 10 for side in sides[:-1]]
    return probabilities, unities


@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
@settings(max_examples=60, deadline=None)
def test_equation_2_pixel_by_pixel(seed: int, num_levels: int, threshold: float) -> None:
    probabilities, unities = random_pyramid(seed, num_levels)
    fused_BKHW, level_BHW = fuse_pyramid(probabilities, unities, threshold=threshold)
    for b in range(2):
        for y in range(fused_BKHW.shape[2]):
            for x in range(fused_BKHW.shape[3]):
                speaking = [
                    level
                    for level in range(num_levels - 1)
                    if unities[level][b, y // 2 ** (num_levels - 1 - level), x // 2 ** (num_levels - 1 - level)]
                    >= threshold
                ]
                level = (speaking or [num_levels - 1])[0]
                factor = 2 ** (num_levels - 1 - level)
                assert level_BHW[b, y, x] == level
                torch.testing.assert_close(fused_BKHW[b, :, y, x], probabilities[level][b, :, y // factor, x // factor])


def test_the_sum_of_the_equation() -> None:
    """As printed: a sum over levels of products of indicators; for every pixel exactly one of them is 1."""
    probabilities, unities = random_pyramid(0)
    fused_BKHW, _ = fuse_pyramid(probabilities, unities)
    whole = [spread_to_finer(u, 2 ** (2 - level)) for level, u in enumerate(unities)]
    whole.append(torch.ones_like(probabilities[-1][:, 0]))
    total, said = torch.zeros_like(fused_BKHW), torch.zeros_like(whole[-1])
    for level, unity in enumerate(whole):
        indicator = (unity >= 0.5).float()
        for coarser in whole[:level]:
            indicator = indicator * (coarser < 0.5)
        said += indicator
        total += indicator[:, None] * spread_to_finer(probabilities[level], 2 ** (2 - level))
    assert (said == 1).all()
    torch.testing.assert_close(fused_BKHW, total)


def test_the_true_pyramid_fused_by_the_true_unity_is_the_finest_label_map() -> None:
    generator = torch.Generator().manual_seed(0)
    label_BHW = torch.randint(0, 4, (2, 4, 6), generator=generator).repeat_interleave(4, 1).repeat_interleave(4, 2)
    label_BHW[:, :8, :8] = 2
    label_BHW[1, 8:10, 8:10] = (label_BHW[1, 8:10, 8:10] + 1) % 4
    targets = pyramid_targets(label_BHW, [8, 4, 2])
    one_hot = [torch.nn.functional.one_hot(c.clamp(max=4), 5)[..., :4].movedim(-1, 1).float() for c, _ in targets]
    fused_BKHW, level_BHW = fuse_pyramid(one_hot, [u.float() for _, u in targets[:-1]])
    assert torch.equal(fused_BKHW.argmax(dim=1), targets[-1][0])
    assert level_BHW.unique().tolist() == [0, 1, 2]


def test_the_ends_of_the_threshold() -> None:
    probabilities, unities = random_pyramid(1)
    unities = [u.clamp(max=0.9) for u in unities]
    coarsest = fuse_pyramid(probabilities, unities, threshold=0.0)
    assert (coarsest[1] == 0).all()
    torch.testing.assert_close(coarsest[0], spread_to_finer(probabilities[0], 4))
    finest = fuse_pyramid(probabilities, unities, threshold=1.0)
    assert (finest[1] == 2).all() and torch.equal(finest[0], probabilities[-1])


def test_what_comes_in_is_left_as_it_is() -> None:
    probabilities, unities = random_pyramid(2)
    before = [one.clone() for one in (*probabilities, *unities)]
    fuse_pyramid(probabilities, unities)[0].zero_()
    assert all(torch.equal(a, b) for a, b in zip(before, (*probabilities, *unities)))


def test_wrong_arguments() -> None:
    probabilities, unities = random_pyramid(0)
    with pytest.raises(BadInput, match="threshold must be from 0 to 1, but got -1"):
        fuse_pyramid(probabilities, unities, threshold=-1)
    with pytest.raises(BadInput, match="every level but the finest must have a unity, but got 2 for 2 levels"):
        fuse_pyramid(probabilities[:2], unities)
