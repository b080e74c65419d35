"""Mask R-CNN as a head: which maps it takes, where its anchors stand, and what it learns."""

import pytest
import torch

from mereo.data.instances import InstanceTargets, boxes_around
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.instance_centers import InstanceCenters
from mereo.heads.map_pyramid import MapPyramid, StrideAnchors, image_list, region_pooling
from mereo.heads.mask_rcnn import MaskRcnn, MaskRcnnConfig

CHANNELS = (4, 5, 6, 7, 8)
SMALL = {"width": 8, "box_width": 16, "mask_width": 8, "rois_per_image": 16}


def maps_of(layout: FeatureLayout, size: tuple[int, int], *, num_images: int = 1, seed: int = 0) -> FeatureMaps:
    generator = torch.Generator().manual_seed(seed)
    maps = tuple(
        torch.randn(num_images, channels, -(-size[0] // stride), -(-size[1] // stride), generator=generator)
        for channels, stride in zip(layout.channels, layout.strides)
    )
    return FeatureMaps(maps, layout.strides)


def target_of(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> InstanceTargets:
    mask_NHW = torch.zeros(len(boxes), *size, dtype=torch.bool)
    for mask_HW, (left, top, right, bottom) in zip(mask_NHW, boxes):
        mask_HW[top:bottom, left:right] = True
    return InstanceTargets(torch.arange(len(boxes)) % 2, boxes_around(mask_NHW), mask_NHW)


@pytest.mark.parametrize(
    ("strides", "kind", "levels", "all_strides"),
    [
        ((2, 4, 8, 16, 32), "fpn", (1, 2, 3, 4), (4, 8, 16, 32, 64)),
        # Output stride 16 and 8: of the maps with one stride the last, which is the path's own.
        ((2, 4, 8, 16, 16), "fpn", (1, 2, 4), (4, 8, 16, 32, 64)),
        ((2, 4, 8, 8, 8), "fpn", (1, 4), (4, 8, 16, 32, 64)),
        ((2, 4, 8, 16, 32), "c4", (4,), (32,)),
        ((2, 4, 8, 16, 16), "c4", (4,), (16,)),
        ((4,), "fpn", (0,), (4, 8, 16, 32, 64)),
        ((14, 14), "fpn", (1,), (14, 28, 56, 112)),
    ],
)
def test_levels(strides: tuple[int, ...], kind: str, levels: tuple[int, ...], all_strides: tuple[int, ...]) -> None:
    layout = FeatureLayout(CHANNELS[: len(strides)], strides)
    pyramid = MapPyramid(layout, kind=kind, width=3)  # type: ignore[arg-type]
    assert pyramid.levels == levels and pyramid.strides == all_strides
    assert pyramid.num_pooled == len(levels)
    maps = pyramid(maps_of(layout, (50, 70)))
    width = 3 if kind == "fpn" else layout.channels[-1]
    assert pyramid.out_channels == width
    assert [tuple(one.shape[1:]) for one in maps.values()] == [
        (width, -(-50 // stride), -(-70 // stride)) for stride in all_strides
    ]


def test_the_last_map_is_the_one_that_c4_takes() -> None:
    layout = FeatureLayout((4, 8), (8, 16))
    features = maps_of(layout, (32, 32))
    assert MapPyramid(layout, kind="c4", width=3)(features)["0"] is features.last


@pytest.mark.parametrize("strides", [(2,), (16, 64)])
def test_a_last_map_of_another_stride_is_refused(strides: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=rf"last map must have a stride from 4 to 32, but got {strides[-1]} of"):
        MapPyramid(FeatureLayout(CHANNELS[: len(strides)], strides), kind="fpn", width=3)


def test_strides_that_do_not_double_are_refused() -> None:
    layout = FeatureLayout((4, 8), (4, 16))
    with pytest.raises(BadInput, match=r"must double their stride from one to the next, but got \(4, 16\); use .* c4"):
        MapPyramid(layout, kind="fpn", width=3)
    assert MapPyramid(layout, kind="c4", width=3).strides == (16,)


@pytest.mark.parametrize("size", [(64, 64), (50, 70), (33, 9)])
def test_anchors_stand_at_true_strides(size: tuple[int, int]) -> None:
    """At every size, the anchor of aspect 1 at row y and column x is centred at (x, y) times the stride."""
    head = MaskRcnn(FeatureLayout((4, 5), (8, 16)), num_things=2, anchor_scale=4.0, **SMALL)
    pyramid = head(maps_of(FeatureLayout((4, 5), (8, 16)), size), Frame(size))
    maps = list(pyramid.maps.values())
    anchors_A4 = head.proposals.anchor_generator(image_list(pyramid.maps, pyramid.image_size), maps)[0]
    expected = []
    for one, stride in zip(maps, head.pyramid.strides):
        for y in range(one.shape[2]):
            for x in range(one.shape[3]):
                expected.append([x * stride, y * stride, 4 * stride])
    squares = anchors_A4.view(-1, 3, 4)[:, 1]
    centres = (squares[:, :2] + squares[:, 2:]) / 2
    measured = torch.cat([centres, squares[:, 2:3] - squares[:, :1]], dim=1)
    assert torch.equal(measured, torch.tensor(expected, dtype=torch.float32))


def test_one_map_carries_anchors_of_all_sides() -> None:
    anchors = StrideAnchors((16,), scale=4.0)
    assert anchors.sizes == ((16, 32, 64, 128, 256),) and anchors.num_anchors_per_location() == [15]


@pytest.mark.parametrize(("scale", "side", "level"), [(8, 224, 2), (8, 112, 1), (8, 40, 0), (4, 112, 2), (4, 400, 3)])
def test_a_box_is_pooled_from_the_level_that_fits_it(scale: float, side: int, level: int) -> None:
    """Section 4.2 of the FPN paper: a box of 224 pixels belongs to stride 16; with half the anchors, one of 112."""
    layout = FeatureLayout((3, 3, 3, 3), (4, 8, 16, 32))
    pooling = region_pooling(MapPyramid(layout, kind="fpn", width=3), side=7, scale=scale)
    maps = {str(number): torch.full((1, 3, 128 // 2**number, 128 // 2**number), float(number)) for number in range(4)}
    pooled = pooling(maps, [torch.tensor([[0.0, 0.0, side, side]])], [(512, 512)])
    assert pooled.shape == (1, 3, 7, 7) and torch.all(pooled == level)


def test_pooling_knows_the_strides_of_odd_sizes() -> None:
    """A ramp over a map of stride 8 comes back as the ramp, though 33 pixels are no multiple of 8."""
    layout = FeatureLayout((1, 1), (8, 16))
    pooling = region_pooling(MapPyramid(layout, kind="fpn", width=1), side=2, scale=8)
    ramp = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 5, 5)
    pooled = pooling({"0": ramp, "1": ramp}, [torch.tensor([[8.0, 8.0, 24.0, 24.0]])], [(33, 33)])
    # Columns 1 to 3 of the map; their bins are centred at 1.5 and 2.5, half a pixel before torch's pixel centres.
    assert pooled[0, 0, 0].tolist() == pytest.approx([1.5, 2.5])


@pytest.mark.parametrize("kind", ["fpn", "c4"])
def test_losses_have_names_and_gradients(kind: str) -> None:
    torch.manual_seed(0)
    layout = FeatureLayout(CHANNELS, (2, 4, 8, 16, 16))
    head = MaskRcnn(layout, num_things=2, pyramid=kind, anchor_scale=4.0, **SMALL)  # type: ignore[arg-type]
    features = maps_of(layout, (48, 64), num_images=2)
    for one in features.maps:
        one.requires_grad_()
    targets = [target_of((48, 64), (4, 4, 30, 30), (30, 10, 60, 44)), target_of((48, 64))]
    losses = head(features, Frame((48, 64)))
    losses = head.losses(losses, targets)
    assert list(losses) == ["proposal_objectness", "proposal_boxes", "box_classes", "box_sides", "masks"]
    torch.stack(list(losses.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    has_gradient = [one.grad is not None for one in features.maps]
    assert has_gradient == ([False, True, True, False, True] if kind == "fpn" else [False] * 4 + [True])


def test_images_without_things_have_a_finite_loss() -> None:
    torch.manual_seed(0)
    layout = FeatureLayout((4, 5), (8, 16))
    head = MaskRcnn(layout, num_things=2, **SMALL)
    losses = head.losses(head(maps_of(layout, (32, 32)), Frame((32, 32))), [target_of((32, 32))])
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert torch.isfinite(total) and losses["masks"] == 0


@pytest.mark.parametrize("kind", ["masks", "middles"])
def test_in_bfloat16_boxes_are_those_of_the_labels(kind: str) -> None:
    """Sides beyond 256 that are odd numbers, and a thing a pixel wide: both are rounded away in bfloat16."""
    torch.manual_seed(0)
    layout = FeatureLayout((4, 5), (8, 16))
    head: MaskRcnn | InstanceCenters = (
        MaskRcnn(layout, num_things=2, anchor_scale=2.0, **SMALL)
        if kind == "masks"
        else InstanceCenters(layout, num_things=2, width=8, box_width=16, rois_per_image=16, anchor_scale=2.0)
    )
    target, size = target_of((64, 320), (301, 3, 302, 30), (267, 9, 291, 41)), (64, 320)
    seen = []
    head.regions.box_roi_pool.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1][0]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = head.losses(head(maps_of(layout, size), Frame(size)), [target])
    assert seen[0].dtype == torch.float32
    assert all((seen[0] == box_4).all(dim=1).any() for box_4 in target.boxes_N4)
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert all(torch.isfinite(loss) and loss.dtype == torch.float32 for loss in losses.values())
    assert all(torch.isfinite(one.grad).all() for one in head.parameters() if one.grad is not None)


def test_detections_are_within_the_image() -> None:
    torch.manual_seed(0)
    layout = FeatureLayout((4, 5), (8, 16))
    head = MaskRcnn(layout, num_things=2, lowest_score=0.0, answers_per_image=4, **SMALL).eval()
    answers = head.detections(head(maps_of(layout, (33, 50), num_images=2), Frame((33, 50))))
    assert len(answers) == 2
    for answer in answers:
        assert len(answer.label_N) == 4 and set(answer.label_N.tolist()) <= {0, 1}
        assert (answer.boxes_N4 >= 0).all() and (answer.boxes_N4 <= torch.tensor([50, 33, 50, 33])).all()
        assert answer.mask_probability_Nhw.shape == (4, 28, 28)
        assert answer.score_N.tolist() == sorted(answer.score_N.tolist(), reverse=True)


def test_the_printed_schedule_is_the_default() -> None:
    """512 regions an image, one with a thing to three without."""
    head = MaskRcnnConfig(width=8, box_width=16, mask_width=8).build(FeatureLayout((4,), (16,)), 3)
    sampler = head.regions.fg_bg_sampler
    assert (sampler.batch_size_per_image, sampler.positive_fraction) == (512, 0.25)
    assert head.regions.box_predictor.cls_score.out_features == 4
