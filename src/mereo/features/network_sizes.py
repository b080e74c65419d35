"""Depths and widths of a network unlike those of the timm model that it is built from, e.g. of a converted one."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mereo.features.stage import MAX_WIDTH
from mereo.strict import StrictConfig

# Far beyond what is in use, and near enough that a small file cannot ask for gigabytes of window tables.
MAX_WINDOW = 24
Depth = Annotated[int, Field(ge=1, le=64)]
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Heads = Annotated[int, Field(ge=1, le=256)]
FourDepths = tuple[Depth, Depth, Depth, Depth]
FourWidths = tuple[Width, Width, Width, Width]
FourHeads = tuple[Heads, Heads, Heads, Heads]


class SwinSizes(StrictConfig):
    """`width` is that of the first stage; each next one has twice as many channels.

    With these sizes windows keep their side on maps of any size, and maps are padded to whole windows before they are
    shifted (`features/whole_windows.py`), as the authors of Swin do.
    """

    family: Literal["swin"] = "swin"
    depths: FourDepths
    width: Width
    heads: FourHeads
    window: int = Field(ge=1, le=MAX_WINDOW)

    def timm_options(self) -> dict[str, Any]:
        return {
            "embed_dim": self.width,
            "depths": self.depths,
            "num_heads": self.heads,
            "window_size": self.window,
            "always_partition": True,
        }


class ConvNeXtSizes(StrictConfig):
    family: Literal["convnext"] = "convnext"
    depths: FourDepths
    widths: FourWidths

    def timm_options(self) -> dict[str, Any]:
        return {"depths": self.depths, "dims": self.widths}


class ResNetSizes(StrictConfig):
    """`widths` are those of the 3x3 convolutions: a quarter of a stage's channels in a ResNet-50."""

    family: Literal["resnet"] = "resnet"
    depths: FourDepths
    widths: FourWidths

    def timm_options(self) -> dict[str, Any]:
        return {"layers": self.depths, "channels": self.widths}


NetworkSizes = Annotated[SwinSizes | ConvNeXtSizes | ResNetSizes, Field(discriminator="family")]
