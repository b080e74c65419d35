"""Projection, atrous pyramid, feature pyramid: one contract, the papers' sizes, the same answers by other ways."""

import math

import pytest
import torch
import torch.nn.functional as F
from stage_contract import StageContract, random_features, with_random_statistics
from torch import Tensor, nn
from torchvision.models.segmentation.deeplabv3 import ASPP

from mereo.errors import BadInput
from mereo.features.atrous_pyramid import AtrousPyramid, AtrousPyramidConfig
from mereo.features.concatenated_levels import ConcatenatedLevels
from mereo.features.conv_norm import ConvNormReLU, PresentBatchNorm2d
from mereo.features.feature_levels import FeatureLevels
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.feature_pyramid import FeaturePyramid, FeaturePyramidConfig
from mereo.features.level_fusion import LevelFusion, joined_levels
from mereo.features.projection import Projection, ProjectionConfig
from mereo.features.pyramid_pooling import PyramidPooling
from mereo.strict_yaml import validated

RESNET_50 = FeatureLayout((64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32))


class TestProjection(StageContract):
    def build(self, layout: FeatureLayout) -> Projection:
        return Projection(layout, width=6)


class TestAtrousPyramid(StageContract):
    def build(self, layout: FeatureLayout) -> AtrousPyramid:
        return AtrousPyramid(layout, width=6)


class TestFeaturePyramid(StageContract):
    def build(self, layout: FeatureLayout) -> FeaturePyramid:
        return FeaturePyramid(layout, width=6)


class TestFeatureLevels(StageContract):
    def build(self, layout: FeatureLayout) -> FeatureLevels:
        return FeatureLevels(layout, width=6)


class TestFeatureLevelsFromStrideEight(StageContract):
    def build(self, layout: FeatureLayout) -> FeatureLevels:
        return FeatureLevels(layout, width=4, finest_stride=6)


class TestLevelFusion(StageContract):
    def build(self, layout: FeatureLayout) -> LevelFusion:
        return LevelFusion(layout, width=6)


class TestFeaturePyramidOfOneMap(StageContract):
    in_layout = FeatureLayout(channels=(6,), strides=(16,))

    def build(self, layout: FeatureLayout) -> FeaturePyramid:
        return FeaturePyramid(layout, width=4)


class TestFeaturePyramidFromStrideEight(StageContract):
    def build(self, layout: FeatureLayout) -> FeaturePyramid:
        return FeaturePyramid(layout, width=4, finest_stride=6)


def test_concatenated_levels_are_the_maps_at_the_finest_stride() -> None:
    """Pixel by pixel: those of the finest map stay, coarser ones are enlarged; what is finer is left out."""
    stage, features = ConcatenatedLevels(RESNET_50, finest_stride=4), random_features(RESNET_50, (33, 65))
    found = stage(features, Frame(image_size=(33, 65)))
    assert found.strides == stage.layout.strides == (4,) and found.channels == stage.layout.channels == (3840,)
    assert torch.equal(found.last[:, :256], features.maps[1])
    wanted = F.interpolate(features.maps[4], size=(9, 17), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found.last[:, -2048:], wanted)
    with pytest.raises(BadInput, match="a feature map must have stride 64 or coarser, but got strides .*"):
        ConcatenatedLevels(RESNET_50, finest_stride=64)


def test_a_feature_pyramid_is_its_levels_and_their_fusion() -> None:
    torch.manual_seed(0)
    pyramid = with_random_statistics(FeaturePyramid(RESNET_50, width=6)).eval()
    levels = FeatureLevels(RESNET_50, width=6).eval()
    fusion = LevelFusion(levels.layout, width=6).eval()
    levels.load_state_dict({k: v for k, v in pyramid.state_dict().items() if not k.startswith("fuse")})
    fusion.load_state_dict({k: v for k, v in pyramid.state_dict().items() if k.startswith("fuse")})
    features, frame = random_features(RESNET_50, (33, 65)), Frame(image_size=(33, 65))
    assert torch.equal(fusion(levels(features, frame), frame).last, pyramid(features, frame).last)


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):  # Counted, not filled.
        fcn = Projection(RESNET_50, width=512)
        aspp = AtrousPyramid(RESNET_50, width=256)
        upernet = FeaturePyramid(RESNET_50, width=512)
        torchvision_aspp = ASPP(2048, [12, 24, 36], 256)
    assert num_parameters(fcn) == 2048 * 512 * 9 + 2 * 512 == 9_438_208
    branches = 2 * (2048 * 256 + 2 * 256) + 3 * (2048 * 256 * 9 + 2 * 256)
    assert num_parameters(aspp) == branches + 5 * 256 * 256 + 2 * 256 == 15_535_104
    assert num_parameters(aspp) == num_parameters(torchvision_aspp)
    pooling = 4 * (2048 * 512 + 2 * 512) + (2048 + 4 * 512) * 512 * 9 + 2 * 512
    laterals = (256 + 512 + 1024) * 512 + 3 * 2 * 512
    smoothing_and_fusion = 3 * (512 * 512 * 9 + 2 * 512) + 4 * 512 * 512 * 9 + 2 * 512
    assert num_parameters(upernet) == pooling + laterals + smoothing_and_fusion == 40_513_536


@pytest.mark.parametrize(("stride", "rates"), [(32, (3, 6, 9)), (16, (6, 12, 18)), (8, (12, 24, 36)), (400, (1, 1, 1))])
def test_the_papers_rates_follow_the_stride(stride: int, rates: tuple[int, ...]) -> None:
    assert AtrousPyramid(FeatureLayout((4,), (stride,)), width=2).rates == rates


def copy_brick(brick: ConvNormReLU, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    convolution.load_state_dict(brick[0].state_dict())
    norm.load_state_dict(brick[1].state_dict())


@pytest.mark.parametrize("size", [(9, 13), (1, 1), (2, 40)], ids=str)
def test_atrous_pyramid_is_torchvisions(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    ours = with_random_statistics(AtrousPyramid(FeatureLayout((10,), (8,)), width=7)).eval()
    theirs = ASPP(10, [12, 24, 36], 7).eval()
    for branch, convs in zip(ours.branches, theirs.convs):
        copy_brick(branch, convs[0], convs[1])
    copy_brick(ours.pooled, theirs.convs[4][1], theirs.convs[4][2])
    copy_brick(ours.project, theirs.project[0], theirs.project[1])
    features_BCHW = torch.randn(2, 10, *size)
    answer = ours(FeatureMaps((features_BCHW,), (8,)), Frame(image_size=(8 * size[0], 8 * size[1]))).last
    torch.testing.assert_close(answer, theirs(features_BCHW), rtol=1e-5, atol=1e-5)


def by_functions(brick: ConvNormReLU, features_BCHW: Tensor, *, dilation: int = 1) -> Tensor:
    """Convolution, norm and ReLU in float64, written out."""
    weight, norm = brick[0].weight.double(), brick[1]
    padding = dilation * (weight.shape[-1] - 1) // 2
    answer = F.conv2d(features_BCHW, weight, padding=padding, dilation=dilation)
    mean, variance = norm.running_mean.double().view(-1, 1, 1), norm.running_var.double().view(-1, 1, 1)
    answer = (answer - mean) / (variance + norm.eps).sqrt()
    return (answer * norm.weight.double().view(-1, 1, 1) + norm.bias.double().view(-1, 1, 1)).clamp(min=0)


def pooled_by_loop(features_BCHW: Tensor, grid_size: int) -> Tensor:
    batch_size, channels, height, width = features_BCHW.shape
    answer = torch.zeros(batch_size, channels, grid_size, grid_size, dtype=torch.float64)
    for row in range(grid_size):
        top, bottom = row * height // grid_size, math.ceil((row + 1) * height / grid_size)
        for column in range(grid_size):
            left, right = column * width // grid_size, math.ceil((column + 1) * width / grid_size)
            answer[:, :, row, column] = features_BCHW[:, :, top:bottom, left:right].mean(dim=(2, 3))
    return answer


def bilinear(features_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resizing as two small matrices, pixel centres at halves."""

    def matrix(num_in: int, num_out: int) -> Tensor:
        weight = torch.zeros(num_out, num_in, dtype=torch.float64)
        for position in range(num_out):
            source = max(0.0, (position + 0.5) * num_in / num_out - 0.5)
            first = min(int(source), num_in - 1)
            weight[position, first] += 1 - (source - first)
            weight[position, min(first + 1, num_in - 1)] += source - first
        return weight

    height, width = features_BCHW.shape[-2:]
    return matrix(height, size[0]) @ features_BCHW @ matrix(width, size[1]).T


@pytest.mark.parametrize("size", [(7, 11), (1, 1), (3, 20)], ids=str)
def test_pyramid_pooling_by_a_loop(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    pooling = with_random_statistics(PyramidPooling(8, width=5, grid_sizes=(1, 2, 3, 6))).eval()
    features_BCHW = torch.randn(2, 8, *size)
    answers = [features_BCHW.double()]
    for grid_size, branch in zip((1, 2, 3, 6), pooling.branches):
        answers.append(bilinear(by_functions(branch, pooled_by_loop(features_BCHW.double(), grid_size)), size))
    wanted = by_functions(pooling.project, torch.cat(answers, dim=1))
    torch.testing.assert_close(pooling(features_BCHW).double(), wanted, rtol=1e-4, atol=1e-5)


def test_feature_pyramid_by_functions() -> None:
    layout = FeatureLayout((3, 4, 5, 6), (2, 4, 8, 16))
    torch.manual_seed(0)
    neck = with_random_statistics(FeaturePyramid(layout, width=5)).eval()
    features = random_features(layout, (37, 83))
    fine, middle = (feature_map.double() for feature_map in features.maps[1:3])  # Stride 2 is left out.
    top = neck.pooling(features.maps[3]).double()
    middle_sum = by_functions(neck.laterals[1], middle) + bilinear(top, middle.shape[-2:])
    fine_sum = by_functions(neck.laterals[0], fine) + bilinear(middle_sum, fine.shape[-2:])
    levels = [by_functions(neck.smooth[0], fine_sum), by_functions(neck.smooth[1], middle_sum), top]
    wanted = by_functions(neck.fuse, torch.cat([bilinear(level, fine.shape[-2:]) for level in levels], dim=1))
    answer = neck(features, Frame(image_size=(37, 83)))
    torch.testing.assert_close(answer.last.double(), wanted, rtol=1e-4, atol=1e-5)
    assert answer.strides == (4,)


def test_atrous_pyramid_by_functions() -> None:
    torch.manual_seed(0)
    neck = with_random_statistics(AtrousPyramid(FeatureLayout((6,), (16,)), width=4, rates=(1, 2))).eval()
    features_BCHW = torch.randn(2, 6, 7, 9)
    wide = features_BCHW.double()
    answers = [by_functions(branch, wide, dilation=rate) for branch, rate in zip(neck.branches, (1, 1, 2))]
    answers.append(by_functions(neck.pooled, wide.mean(dim=(2, 3), keepdim=True)).repeat(1, 1, 7, 9))
    wanted = by_functions(neck.project, torch.cat(answers, dim=1))
    answer = neck(FeatureMaps((features_BCHW,), (16,)), Frame(image_size=(112, 144))).last
    torch.testing.assert_close(answer.double(), wanted, rtol=1e-4, atol=1e-5)


def test_norm_of_one_value_uses_what_it_learned_and_learns_nothing() -> None:
    norm = PresentBatchNorm2d(3).train()
    norm.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    answer = norm(torch.tensor([1.0, 3.0, 3.0]).view(1, 3, 1, 1))
    torch.testing.assert_close(answer.flatten(), torch.tensor([0.0, 1.0, 0.0]), rtol=1e-4, atol=1e-5)
    assert norm.running_mean.tolist() == [1.0, 2.0, 3.0]
    assert int(norm.num_batches_tracked) == 0
    norm(torch.randn(2, 3, 1, 1))
    assert int(norm.num_batches_tracked) == 1  # Two values are a batch as any other.


def test_no_map_coarse_enough() -> None:
    with pytest.raises(BadInput, match=r"a feature map must have stride 8 or coarser, but got strides \(2, 4\)"):
        FeaturePyramid(FeatureLayout((3, 4), (2, 4)), finest_stride=8)


def test_maps_without_strides() -> None:
    with pytest.raises(BadInput, match="feature maps must have one stride each, but got 1 maps"):
        FeatureMaps((torch.zeros(1, 2, 3, 3),), ())
    with pytest.raises(BadInput, match="feature maps must have one stride each, but got 0 maps"):
        FeatureMaps((), ())


@pytest.mark.parametrize(
    ("config", "content", "match"),
    [
        (ProjectionConfig, {"kernel_size": 2}, "kernel_size: .*1, 3, 5 or 7, but got 2"),
        (ProjectionConfig, {"width": 0}, "width: .*greater than or equal to 1, but got 0"),
        (AtrousPyramidConfig, {"rates": [6, 0]}, r"rates.1: .*greater than or equal to 1, but got 0"),
        (FeaturePyramidConfig, {"grid_sizes": [-1]}, r"grid_sizes.0: .*greater than or equal to 1, but got -1"),
        (FeaturePyramidConfig, {"widht": 3}, "did you mean 'width'"),
    ],
)
def test_wrong_settings(config: type, content: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        validated(config, content, source="a test")


def test_configs_build_what_they_say() -> None:
    layout = FeatureLayout((3, 4), (4, 8))
    assert ProjectionConfig(width=5, kernel_size=1).build(layout).project[0].weight.shape == (5, 4, 1, 1)
    assert AtrousPyramidConfig(width=5, rates=(2,)).build(layout).rates == (2,)
    assert len(AtrousPyramidConfig(width=5, rates=()).build(layout).branches) == 1
    assert FeaturePyramidConfig(width=5, finest_stride=8, grid_sizes=(2,)).build(layout).layout.strides == (8,)


def test_gradients_of_joined_levels_lie_whole_in_memory() -> None:
    """A slice of the joined gradient has gaps; torch's way back through an upsampling copies such a one first."""
    levels = [torch.randn(2, 6, *size).to(memory_format=torch.channels_last) for size in ((9, 17), (5, 9))]
    for level in levels:
        level.requires_grad_()
    joined = joined_levels(levels)
    seen: list[torch.Tensor] = []
    levels[0].register_hook(seen.append)
    above = torch.randn_like(joined)
    gradients = torch.autograd.grad(joined, levels, above)
    assert seen[0].is_contiguous(memory_format=torch.channels_last) and torch.equal(seen[0], above[:, :6])
    wanted = F.interpolate(levels[1], size=(9, 17), mode="bilinear", align_corners=False)
    torch.testing.assert_close(gradients[1], torch.autograd.grad(wanted, levels[1], above[:, 6:])[0])
