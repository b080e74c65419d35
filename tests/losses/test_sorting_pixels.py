"""What segment sorting learns from: segments of one label each, things by image, stuff by class, small things finer."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.losses.segment_sorting import segment_sorting_loss
from mereo.losses.sorting_pixels import SortingPixels, numbered_rows, panoptic_labels, sorting_pixels

IS_THING_K = torch.tensor([False, True, True])


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two images of 8x8 labels on a grid of 4x4: stuff, a large thing, a small thing, void, a thing of no instance."""
    generator = torch.Generator().manual_seed(0)
    embedding_BDhw = F.normalize(torch.randn(2, 5, 4, 4, generator=generator), dim=1)
    segment_Bhw = torch.arange(4)[:, None].expand(4, 4).repeat(2, 1, 1) // 2
    semantic_BHW = torch.zeros(2, 8, 8, dtype=torch.int32)
    instances_BHW = torch.zeros(2, 8, 8, dtype=torch.int32)
    semantic_BHW[:, :, 4:] = 1
    instances_BHW[:, :, 4:] = 1
    semantic_BHW[0, 6:, 6:], instances_BHW[0, 6:, 6:] = 2, 9
    semantic_BHW[1, :2, :2] = 255
    semantic_BHW[1, 6:, :2] = 2
    return embedding_BDhw, segment_Bhw, semantic_BHW, instances_BHW


def pixels_of(small_pixels: int = 0) -> SortingPixels:
    return sorting_pixels(*scene(), is_thing_K=IS_THING_K, small_pixels=small_pixels)


def test_labels_pixel_by_pixel() -> None:
    _, _, semantic_BHW, instances_BHW = scene()
    label_BHW = panoptic_labels(semantic_BHW, instances_BHW, is_thing_K=IS_THING_K)
    name_of: dict[tuple[int, ...], int] = {}
    for b in range(2):
        for y in range(8):
            for x in range(8):
                index, instance = int(semantic_BHW[b, y, x]), int(instances_BHW[b, y, x])
                found = int(label_BHW[b, y, x])
                if index == 255 or (IS_THING_K[index] and not instance):
                    assert found == -1
                    continue
                assert found % 3 == index
                name = (index, b, instance) if IS_THING_K[index] else (index,)
                assert name_of.setdefault(name, found) == found
    assert len(set(name_of.values())) == len(name_of) == 4


def test_every_segment_is_a_kmeans_segment_of_one_image_cut_by_the_truth() -> None:
    embedding_BDhw, segment_Bhw, semantic_BHW, instances_BHW = scene()
    pixels = pixels_of()
    label_Bhw = panoptic_labels(semantic_BHW, instances_BHW, is_thing_K=IS_THING_K)[:, 1::2, 1::2]
    wanted: dict[tuple[int, int, int], list[torch.Tensor]] = {}
    for b in range(2):
        for y in range(4):
            for x in range(4):
                if label_Bhw[b, y, x] >= 0:
                    key = (b, int(segment_Bhw[b, y, x]), int(label_Bhw[b, y, x]))
                    wanted.setdefault(key, []).append(embedding_BDhw[b, :, y, x])
    assert len(pixels.label_of_segment_S) == len(wanted)
    for number, (key, members) in enumerate(sorted(wanted.items())):
        assert pixels.label_of_segment_S[number] == key[2] and pixels.class_of_segment_S[number] == key[2] % 3
        found_nD = pixels.embedding_ND[pixels.segment_N == number]
        torch.testing.assert_close(found_nD.sum(0), torch.stack(members).sum(0))
        assert len(found_nD) == len(members)


def test_stuff_is_shared_by_the_batch_and_things_are_not() -> None:
    pixels = pixels_of()
    of_stuff_S = pixels.class_of_segment_S == 0
    assert len(pixels.label_of_segment_S[of_stuff_S].unique()) == 1 and of_stuff_S.sum() == 4
    assert len(pixels.label_of_segment_S[pixels.class_of_segment_S == 1].unique()) == 2


def test_small_things_are_seen_on_twice_the_grid() -> None:
    embedding_BDhw, segment_Bhw, semantic_BHW, instances_BHW = scene()
    coarse, fine = pixels_of(), pixels_of(small_pixels=5)
    small_label = fine.label_of_segment_S[fine.class_of_segment_S == 2].item()
    assert small_label in coarse.label_of_segment_S.tolist()
    of_small_N = fine.label_of_segment_S[fine.segment_N] == small_label
    assert of_small_N.sum() == 4 and (coarse.label_of_segment_S[coarse.segment_N] == small_label).sum() == 1
    finer_BDhw = F.interpolate(embedding_BDhw, scale_factor=2, mode="bilinear", align_corners=False)
    wanted_ND = F.normalize(finer_BDhw, dim=1)[0, :, 6:, 6:].flatten(1).T
    torch.testing.assert_close(fine.embedding_ND[of_small_N], wanted_ND)
    # Everything else stays as it was.
    torch.testing.assert_close(
        fine.embedding_ND[~of_small_N], coarse.embedding_ND[coarse.class_of_segment_S[coarse.segment_N] != 2]
    )
    assert len(fine.label_of_segment_S) == len(coarse.label_of_segment_S)


def test_renamed_instances_have_the_same_loss() -> None:
    embedding_BDhw, segment_Bhw, semantic_BHW, instances_BHW = scene()
    losses = []
    for name in (instances_BHW, torch.where(instances_BHW > 0, 20 - instances_BHW, 0)):
        pixels = sorting_pixels(embedding_BDhw, segment_Bhw, semantic_BHW, name, is_thing_K=IS_THING_K)
        losses.append(segment_sorting_loss(pixels.embedding_ND, pixels.segment_N, pixels.label_of_segment_S).sum())
    torch.testing.assert_close(*losses)


def test_nothing_labelled() -> None:
    embedding_BDhw, segment_Bhw, semantic_BHW, instances_BHW = scene()
    nothing = sorting_pixels(
        embedding_BDhw.requires_grad_(),
        segment_Bhw,
        torch.full_like(semantic_BHW, 255),
        instances_BHW,
        is_thing_K=IS_THING_K,
    )
    assert nothing.embedding_ND.shape == (0, 5) and len(nothing.label_of_segment_S) == 0
    segment_sorting_loss(nothing.embedding_ND, nothing.segment_N, nothing.label_of_segment_S).sum().backward()
    assert not embedding_BDhw.grad.any()


numbers = st.integers(-3, 3) | st.integers(-(2**62), 2**62) | st.sampled_from([-(2**63), 2**63 - 1])


@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=12), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_rows_are_numbered_as_sorting_them_does(rows: list[tuple[int, int, int]], times: int) -> None:
    """Numbers of 63 bits, too, whose products no number of 64 bits can hold."""
    row_N3 = torch.tensor(rows * times, dtype=torch.int64).view(-1, 3)
    wanted_S3, wanted_N = torch.unique(row_N3, dim=0, return_inverse=True)
    found_S3, found_N = numbered_rows(row_N3)
    assert torch.equal(found_S3, wanted_S3) and torch.equal(found_N, wanted_N)


@given(st.lists(st.tuples(*[st.integers(0, 2**21 - 1)] * 3), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_rows_whose_numbers_just_fit_are_given_back(rows: list[tuple[int, int, int]]) -> None:
    row_N3 = torch.tensor([*rows, (0, 0, 0), (2**21 - 1,) * 3])
    found_S3, found_N = numbered_rows(row_N3)
    assert torch.equal(found_S3[found_N], row_N3) and found_S3.tolist() == sorted(
        map(list, {tuple(row) for row in row_N3.tolist()})
    )
