"""One network three times: MobileNetV2 at output stride 16 and DeepLabV3's head at width 256, ours and two peers'."""

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3

from mereo.data.taxonomy_file import load_taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser

BACKBONE, STRIDE, RATES, WIDTH = "mobilenetv2_100", 16, (6, 12, 18), 256
NAMES = ("mereo", "segmentation-models-pytorch", "torchvision")


class TimmFeatures(nn.Module):
    """What torchvision's heads expect of a backbone."""

    def __init__(self) -> None:
        super().__init__()
        self.body = timm.create_model(BACKBONE, features_only=True, output_stride=STRIDE, out_indices=(-1,))

    def forward(self, image_BCHW: Tensor) -> dict[str, Tensor]:
        return {"out": self.body(image_BCHW)[0]}


def mereo_parser() -> SceneParser:
    path = [{"stage": "atrous_pyramid", "width": WIDTH}, {"stage": "projection", "width": WIDTH, "kernel_size": 3}]
    config = {"backbone": {"name": BACKBONE, "output_stride": STRIDE}, "path": path}
    return ParserConfig.model_validate(config).build(load_taxonomy("camvid"))


def peer(name: str, num_classes: int) -> nn.Module:
    torch.manual_seed(0)
    if name == "torchvision":
        network = DeepLabV3(TimmFeatures(), DeepLabHead(320, num_classes, RATES))
    else:
        network = smp.DeepLabV3(
            f"tu-{BACKBONE}",
            encoder_weights=None,
            encoder_output_stride=STRIDE,
            decoder_channels=WIDTH,
            decoder_atrous_rates=RATES,
            classes=num_classes,
        )
    return network


def logits_of(answer: Tensor | dict[str, Tensor]) -> Tensor:
    return answer["out"] if isinstance(answer, dict) else answer
