"""SceneParser: any backbone, stages and heads, also those that a user writes; and what it refuses."""

from dataclasses import dataclass

import pytest
import torch
from tiny_parser import TAXONOMY, random_image, tiny_parser
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import Stage
from mereo.features.timm_backbone import TimmBackbone
from mereo.heads.pixel_classes import PixelClasses, PixelClassesPrediction
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser


@dataclass(frozen=True)
class Brightness:
    mean_B: Tensor


@dataclass(frozen=True)
class Counted:
    num_pixels: int


class BrightnessHead(nn.Module):
    """A head of a user's own: no parameters, another type of prediction."""

    def forward(self, features: FeatureMaps, frame: Frame) -> Brightness:
        return Brightness(features.last.mean(dim=(1, 2, 3)))


class CountingStage(Stage):
    """A stage of a user's own: doubles the last map, leaves evidence, knows the frame."""

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        num_pixels = frame.image_size[0] * frame.image_size[1]
        return features.with_last(2 * features.last).with_evidence(Counted(num_pixels))


def composed(*heads: nn.Module, **others: object) -> SceneParser:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet")
    heads = heads or (PixelClasses(backbone.layout, num_classes=3), BrightnessHead())
    stages = [CountingStage(backbone.layout), CountingStage(backbone.layout)]
    return SceneParser(backbone, stages, heads, taxonomy=TAXONOMY, **others).eval()


def test_a_parser_composed_in_python() -> None:
    parser = composed()
    answers = parser(torch.rand(2, 3, 33, 65) * 255)
    assert answers.prediction(PixelClassesPrediction).logits_BKhw.shape == (2, 3, 2, 3)
    assert answers.prediction(Brightness).mean_B.shape == (2,)
    assert answers.evidence == (Counted(33 * 65), Counted(33 * 65))
    torch.testing.assert_close(answers.features.last, 4 * answers.backbone_features.last)
    assert answers.backbone_features.evidence == ()
    assert parser.parse(random_image(33, 65)).semantic.shape == (33, 65)


def test_the_frame_that_is_given_is_the_one_that_stages_see() -> None:
    answers = composed()(torch.rand(1, 3, 32, 32), Frame(image_size=(100, 7)))
    assert answers.evidence[0] == Counted(700)


def test_a_path_may_be_empty() -> None:
    parser = SceneParser(TimmBackbone("test_resnet"), [], [BrightnessHead()], taxonomy=TAXONOMY)
    answers = parser(torch.rand(2, 3, 32, 32))
    assert answers.features is answers.backbone_features


def test_a_prediction_that_no_head_gives() -> None:
    answers = composed(BrightnessHead())(torch.rand(1, 3, 32, 32))
    match = "the parser must have a head that gives PixelClassesPrediction, but got Brightness; add that head"
    with pytest.raises(BadInput, match=match):
        answers.prediction(PixelClassesPrediction)


def test_no_head() -> None:
    with pytest.raises(BadInput, match="a parser must have at least one head, but got none; add e.g. PixelClasses"):
        SceneParser(TimmBackbone("test_resnet"), [], [], taxonomy=TAXONOMY)


@pytest.mark.parametrize("path", ["fcn", "deeplabv3", "upernet"])
def test_bytes_and_floats_are_the_same_pixels(path: str) -> None:
    parser = tiny_parser(path)
    image_BCHW = torch.randint(0, 256, (2, 3, 31, 47), dtype=torch.uint8)
    from_bytes = parser(image_BCHW).prediction(PixelClassesPrediction).logits_BKhw
    for dtype in (torch.float32, torch.float64, torch.int32):
        assert torch.equal(parser(image_BCHW.to(dtype)).prediction(PixelClassesPrediction).logits_BKhw, from_bytes)


def test_the_backbone_sees_normalised_pixels() -> None:
    class Seen(nn.Module):
        layout = FeatureLayout((3,), (1,))

        def forward(self, image_BCHW: Tensor) -> FeatureMaps:
            return FeatureMaps((image_BCHW,), (1,))

    preprocessing = PreprocessingConfig(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    parser = SceneParser(Seen(), [], [BrightnessHead()], taxonomy=TAXONOMY, preprocessing=preprocessing)
    seen = parser(torch.full((1, 3, 2, 2), 51, dtype=torch.uint8)).features.last
    torch.testing.assert_close(seen[0, :, 0, 0], torch.tensor([0.2, 0.0, -0.8]), rtol=1e-5, atol=1e-6)
    assert not parser.state_dict()  # Mean and std travel in the file's preprocessing, not among the weights.


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((3, 8, 8), r"image_BCHW must have 4 axes \(BCHW\), but got shape \(3, 8, 8\)"),
        ((1, 1, 8, 8), r"must have three channels and pixels in it, but got shape \(1, 1, 8, 8\); convert it to RGB"),
        ((1, 4, 8, 8), "must have three channels"),
        ((1, 3, 0, 8), "must have three channels and pixels in it"),
        ((0, 3, 8, 8), "must have three channels and pixels in it"),
    ],
    ids=str,
)
def test_wrong_kinds_of_input(shape: tuple[int, ...], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        tiny_parser()(torch.zeros(shape))


@pytest.mark.parametrize("path", ["fcn", "deeplabv3", "upernet"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 129), (31, 7)], ids=str)
def test_odd_sizes_in_training_and_after(path: str, size: tuple[int, int]) -> None:
    parser = tiny_parser(path)
    logits_BKhw = parser(torch.rand(2, 3, *size) * 255).prediction(PixelClassesPrediction).logits_BKhw
    stride = parser(torch.rand(1, 3, *size)).features.strides[-1]
    assert logits_BKhw.shape == (2, 3, -(-size[0] // stride), -(-size[1] // stride))
    assert bool(logits_BKhw.isfinite().all())


def test_probabilities_of_the_pixel_head() -> None:
    prediction = tiny_parser()(torch.rand(1, 3, 40, 40) * 255).prediction(PixelClassesPrediction)
    torch.testing.assert_close(prediction.class_probability_BKhw.sum(dim=1), torch.ones(1, 2, 2))
    torch.testing.assert_close(
        prediction.class_probability_BKhw.log() - prediction.logits_BKhw.log_softmax(dim=1), 0 * prediction.logits_BKhw
    )


def test_dropout_only_in_training() -> None:
    parser = tiny_parser(heads=[{"head": "pixel_classes", "dropout": 0.5}])
    image_BCHW = torch.rand(2, 3, 40, 40) * 255

    def logits() -> Tensor:
        return parser(image_BCHW).prediction(PixelClassesPrediction).logits_BKhw

    assert torch.equal(logits(), logits())
    parser.heads.train()
    assert not torch.equal(logits(), logits())
