"""The heads of segment sorting: shared convolutions, unit embeddings, segments on every size, seeds from boxes."""

import pytest
import torch
import torch.nn.functional as F

from mereo.data.instances import InstanceTargets
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.instance_centers import InstanceCenters
from mereo.heads.level_branch import DeformableConv3x3, LevelBranch
from mereo.heads.segment_sorting import SegmentSorting
from mereo.regions.unit_sphere_segments import segment_concentration

LAYOUT = FeatureLayout(channels=(6, 8, 12), strides=(4, 8, 16))


def maps_of(height: int = 16, width: int = 24, *, batch_size: int = 2, seed: int = 0) -> FeatureMaps:
    generator = torch.Generator().manual_seed(seed)
    sizes = [(-(-height // 2**level), -(-width // 2**level)) for level in range(3)]
    maps = (torch.randn(batch_size, c, *size, generator=generator) for c, size in zip(LAYOUT.channels, sizes))
    return FeatureMaps(tuple(maps), LAYOUT.strides)


def frame_of(features: FeatureMaps) -> Frame:
    return Frame(image_size=(4 * features.maps[0].shape[2], 4 * features.maps[0].shape[3]))


def head(**options: object) -> SegmentSorting:
    torch.manual_seed(0)
    return SegmentSorting(LAYOUT, num_classes=3, width=8, embedding_width=5, grid=(3, 4), **options)


def test_at_first_a_deformable_convolution_is_a_plain_one() -> None:
    torch.manual_seed(0)
    module, features_BCHW = DeformableConv3x3(4), torch.randn(2, 4, 7, 9)
    wanted_BCHW = F.conv2d(features_BCHW, module.convolve.weight, padding=1)
    torch.testing.assert_close(module(features_BCHW), wanted_BCHW, atol=1e-5, rtol=1e-4)
    module.offsets.bias.data[1::2] = 1.0  # All points one pixel to the right.
    moved_BCHW = module(features_BCHW)[:, :, 1:-1, :-2]
    torch.testing.assert_close(moved_BCHW, wanted_BCHW[:, :, 1:-1, 1:-1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("convolution", ["deformable", "plain"])
def test_convolutions_are_shared_by_all_scales(convolution: str) -> None:
    branch = LevelBranch(LAYOUT, width=8, out_channels=5, convolution=convolution)
    features = maps_of()
    assert branch(features).shape == (2, 5, 16, 24)
    branch(features).square().sum().backward()
    assert len(branch.layers) == 3 and all(one.grad is not None for one in branch.parameters())
    with torch.no_grad():
        levels = [branch.layers(bring(one)) for bring, one in zip(branch.laterals, features.maps)]
        big = [F.interpolate(one, size=(16, 24), mode="bilinear", align_corners=False) for one in levels]
        torch.testing.assert_close(branch.fuse(torch.cat(big, dim=1)), branch(features))


def test_plain_convolutions_are_those_of_torch_in_answer_gradient_and_name() -> None:
    torch.manual_seed(0)
    branch = LevelBranch(FeatureLayout((8,), (4,)), width=8, out_channels=5, convolution="plain", num_layers=1)
    names = ["layers.0.0.weight", "layers.0.1.bias", "layers.0.1.weight", "fuse.bias", "fuse.weight"]
    assert sorted(branch.state_dict()) == sorted(names)
    torch.manual_seed(0)
    theirs = torch.nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False)
    torch.nn.init.kaiming_normal_(theirs.weight, mode="fan_out", nonlinearity="relu")
    ours = branch.layers[0][0]
    assert torch.equal(ours.weight, theirs.weight), "fresh weights are drawn as before"
    features_BCHW = torch.randn(2, 8, 26, 30)  # Large enough for the products of `Conv3x3`.
    for layer in (ours, theirs):
        layer(features_BCHW).square().sum().backward()
    assert torch.equal(ours(features_BCHW), theirs(features_BCHW))
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-4, atol=1e-2)


def test_finer_maps_are_left_out_and_one_must_be_left() -> None:
    layout = FeatureLayout(channels=(3, 8), strides=(2, 4))
    assert LevelBranch(layout, width=8, out_channels=5).used == [1]
    with pytest.raises(BadInput, match="a feature map must have stride 4 or coarser"):
        LevelBranch(FeatureLayout(channels=(3,), strides=(2,)), width=8, out_channels=5)


@pytest.mark.parametrize("size", [(16, 24), (5, 7), (1, 1), (1, 30)])
@pytest.mark.parametrize("is_training", [True, False])
def test_embeddings_and_segments_of_any_size(size: tuple[int, int], is_training: bool) -> None:
    features = maps_of(*size)
    prediction = head().train(is_training)(features, frame_of(features))
    torch.testing.assert_close(prediction.embedding_BDhw.norm(dim=1), torch.ones(2, *size))
    num_segments = prediction.class_logits_BSK.shape[1]
    assert int(prediction.segment_Bhw.max()) + 1 == num_segments
    for segment_hw, sum_SD, embedding_Dhw in zip(
        prediction.segment_Bhw, prediction.embedding_sum_BSD, prediction.embedding_BDhw
    ):
        count_S = torch.bincount(segment_hw.flatten(), minlength=num_segments)
        assert (count_S[: int(segment_hw.max()) + 1] > 0).all()  # Without gaps.
        for segment in range(num_segments):
            wanted_D = embedding_Dhw[:, segment_hw == segment].sum(1)
            torch.testing.assert_close(sum_SD[segment], wanted_D, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(prediction.class_probability_BKhw.sum(1), torch.ones(2, *size))


def test_a_pixel_has_the_probability_of_its_segment() -> None:
    features = maps_of()
    prediction = head().eval()(features, frame_of(features))
    prototype_BSD = F.normalize(prediction.embedding_sum_BSD, dim=2)
    torch.testing.assert_close(head().classify(16 * prototype_BSD), prediction.class_logits_BSK)
    wanted_K = prediction.class_logits_BSK[1, prediction.segment_Bhw[1, 3, 4]].softmax(0)
    torch.testing.assert_close(prediction.class_probability_BKhw[1, :, 3, 4], wanted_K)


def test_dynamic_partitioning_is_for_answers_alone() -> None:
    features = maps_of()
    module = head(split_below=1.0)
    few = module.train()(features, frame_of(features))
    many = module.eval()(features, frame_of(features))
    torch.testing.assert_close(few.embedding_BDhw, many.embedding_BDhw)
    assert int(few.segment_Bhw.max()) < 12 <= int(many.segment_Bhw.max())
    assert torch.equal(few.segment_Bhw, head(split_below=0.0).eval()(features, frame_of(features)).segment_Bhw)

    def concentration(segment_Bhw: torch.Tensor) -> float:
        embedding_PD = few.embedding_BDhw[0].detach().flatten(1).T
        return float(segment_concentration(embedding_PD, segment_Bhw[0].flatten()).mean())

    assert concentration(many.segment_Bhw) > concentration(few.segment_Bhw)


def test_location_changes_segments_and_nothing_else() -> None:
    features = maps_of()
    with_it, without = (head(has_location=one).train()(features, frame_of(features)) for one in (True, False))
    assert not torch.equal(with_it.segment_Bhw, without.segment_Bhw)
    torch.testing.assert_close(with_it.embedding_BDhw, without.embedding_BDhw)


def centers(**options: object) -> InstanceCenters:
    torch.manual_seed(0)
    return InstanceCenters(LAYOUT, num_things=2, width=8, box_width=16, rois_per_image=16, **options)


def test_losses_of_boxes_with_things_and_without() -> None:
    features, module = maps_of(), centers().train()
    prediction = module(features, frame_of(features))
    assert prediction.center_N2 == ()
    some = InstanceTargets(torch.tensor([1]), torch.tensor([[4.0, 4.0, 40.0, 30.0]]), torch.ones(1, 64, 96) > 0)
    none = InstanceTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0, 64, 96) > 0)
    for targets in ([some, none], [none, none]):
        losses = module.losses(prediction, targets)
        assert len(losses) == 4 and all(bool(torch.isfinite(one)) for one in losses.values())
        torch.stack(list(losses.values())).sum().backward(retain_graph=True)


def test_every_image_has_its_centres() -> None:
    features, module = maps_of(), centers(lowest_score=0.0).eval()
    prediction = module(features, frame_of(features))
    assert len(prediction.center_N2) == 2 and len(prediction.center_N2[0]) > 0
    for center_N2 in prediction.center_N2:
        assert (center_N2 >= 0).all() and (center_N2 <= 1).all()


def test_centres_are_the_middles_of_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    features, module = maps_of(batch_size=1), centers().eval()
    boxes_N4 = torch.tensor([[12.0, 32.0, 36.0, 64.0], [0.0, 0.0, 96.0, 16.0]])  # Left, top, right, bottom.
    monkeypatch.setattr(module.regions, "forward", lambda *arguments: ([{"boxes": boxes_N4}], {}))
    [center_N2] = module(features, frame_of(features)).center_N2  # Of a picture of 64 x 96 pixels.
    torch.testing.assert_close(center_N2, torch.tensor([[48 / 64, 24 / 96], [8 / 64, 48 / 96]]))
