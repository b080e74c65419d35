"""segmentation-models-pytorch's DeepLabV3+ trained by our loop, on the same data, steps and losses as our recipes.

    python benchmarks/peers/train_smp_deeplabv3plus.py recipes/camvid_fcn_small.yaml --out runs/smp_small_0

The recipe gives data, augmentation, losses, training and preprocessing; its `parser` is replaced. The encoder is timm's
MobileNetV2 at output stride 16 with the recipe's ImageNet weights; the decoder has smp's own width (256).
"""

import argparse
import sys
from pathlib import Path

import segmentation_models_pytorch as smp
from safetensors.torch import load_file
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.scene_parser import SceneParser
from mereo.recipe.recipe import Recipe, load_recipe
from mereo.recipe.run_recipe import run_recipe


class SmpEncoderAndDecoder(nn.Module):
    """smp's network below its classifier, as a backbone with one map. It only takes multiples of 16, so it pads."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = network.encoder, network.decoder
        self.layout = FeatureLayout((network.segmentation_head[0].in_channels,), (4,))

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        height, width = image_BCHW.shape[-2:]
        padded_BCHW = nn.functional.pad(image_BCHW, (0, -width % 16, 0, -height % 16))
        features_BCHW = self.decoder(self.encoder(padded_BCHW))
        return FeatureMaps((features_BCHW[..., : -(-height // 4), : -(-width // 4)],), (4,))


class SmpClassifier(nn.Module):
    """smp's last convolution; the upsampling behind it is the loss's and the parse's business."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.classify = network.segmentation_head[0]

    def forward(self, features: FeatureMaps, frame: Frame) -> PixelClassesPrediction:
        return PixelClassesPrediction(self.classify(features.last))


def compose(taxonomy: Taxonomy, recipe: Recipe, folder: Path) -> SceneParser:
    network = smp.DeepLabV3Plus(
        "tu-mobilenetv2_100", encoder_weights=None, encoder_output_stride=16, classes=taxonomy.num_objects
    )
    weights = recipe.parser.backbone.weights
    if weights is not None:
        path = folder / weights if (folder / weights).is_file() else Path(weights)
        missing, _ = network.encoder.model.load_state_dict(load_file(path), strict=False)
        if missing:
            raise SystemExit(f"the encoder lacks weights: {missing[:5]}")
    backbone = SmpEncoderAndDecoder(network)
    return SceneParser(
        backbone, [], [SmpClassifier(network)], taxonomy=taxonomy, preprocessing=recipe.parser.preprocessing
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("recipe", type=Path)
    arguments.add_argument("overrides", nargs="*")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--resume", action="store_true")
    chosen = arguments.parse_intermixed_args()
    recipe = load_recipe(chosen.recipe, ["name=camvid_smp", "row=DeepLabV3+ (smp)", *chosen.overrides])
    report = run_recipe(
        recipe,
        recipe_folder=chosen.recipe.parent,
        out=chosen.out,
        is_resumed=chosen.resume,
        command=" ".join(["python", *sys.argv]),
        compose=lambda taxonomy: compose(taxonomy, recipe, chosen.recipe.parent),
    )
    if report.is_stopped:
        sys.exit(130)  # As `mereo train` does: what is not finished must not be taken for it.
    if report.evaluation is not None:
        print(f"mIoU {100 * (report.evaluation.mean_iou or 0):.2f}")


if __name__ == "__main__":
    main()
