"""Semantic pyramid: class scores on grids that double from level to level, and where each level has the say.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), sections 3.1 to 3.3.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH
from mereo.heads.class_scores import ClassScores
from mereo.heads.coarse_to_fine import CoarseToFine
from mereo.heads.pyramid_fusion import fuse_pyramid
from mereo.heads.unity_pyramid import UnityPyramid
from mereo.strict import StrictConfig

Context = Literal["coarse_to_fine", "none"]
Representation = Literal["pyramid", "auxiliary", "finest"]
MAX_LEVELS = 8


@dataclass(frozen=True)
class SemanticPyramidPrediction:
    """Class logits of each level (B K h w) and unity logits of all but the finest (B h w), coarsest first.

    `cell_sizes` are in pixels of the picture that the backbone saw, whose sides are multiples of the coarsest. Without
    unities the finest level alone answers, and the others are there for training, if they are.
    """

    logits_per_level: tuple[Tensor, ...]
    unity_logits_per_level: tuple[Tensor, ...]
    cell_sizes: tuple[int, ...]
    threshold: float

    @property
    def probability_per_level(self) -> tuple[Tensor, ...]:
        return tuple(logits_BKhw.float().softmax(dim=1) for logits_BKhw in self.logits_per_level)

    @property
    def unity_per_level(self) -> tuple[Tensor, ...]:
        return tuple(logits_Bhw.float().sigmoid() for logits_Bhw in self.unity_logits_per_level)

    def class_scores(self) -> ClassScores:
        """Without unities (a pyramid for comparison) the finest level speaks everywhere, and nobody asks which."""
        levels, unities = self.probability_per_level, self.unity_per_level
        if not unities:
            return ClassScores(levels[-1], are_probabilities=True)
        probability_BKhw, level_Bhw = fuse_pyramid(levels, unities, threshold=self.threshold)
        return ClassScores(probability_BKhw, are_probabilities=True, level_Bhw=level_Bhw)


class SemanticPyramid(nn.Module):
    """Answers on the last map's grid and on `num_levels - 1` coarser ones.

    `representation`: "pyramid" is the paper's; "auxiliary" scores all levels and answers with the finest; "finest"
    scores the finest alone. `size_multiple` is what the sides of the picture must be multiples of.
    """

    says_classes = True

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_classes: int,
        num_levels: int = 4,
        width: int = 512,
        key_width: int = 256,
        unity_width: int = 128,
        context: Context = "coarse_to_fine",
        representation: Representation = "pyramid",
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        if num_levels < 2:
            raise BadInput(f"a pyramid must have at least 2 levels, but got {num_levels}; use pixel_classes for one.")
        if not 0 <= threshold <= 1:
            raise BadInput(f"threshold must be from 0 to 1, but got {threshold}; e.g. 0.5.")
        channels, stride = layout.channels[-1], layout.strides[-1]
        self.num_levels, self.threshold = num_levels, threshold
        self.cell_sizes = tuple(stride * 2 ** (num_levels - 1 - level) for level in range(num_levels))
        self.size_multiple = self.cell_sizes[0]
        self.reduce = ConvNormReLU(channels, width)
        self.context = (
            CoarseToFine(num_levels=num_levels, width=width, key_width=key_width)
            if context == "coarse_to_fine"
            else None
        )
        self.first_scored = num_levels - 1 if representation == "finest" else 0
        self.classify = nn.ModuleList([_classifier(width, num_classes) for _ in range(self.first_scored, num_levels)])
        self.unity = (
            UnityPyramid(channels, num_levels=num_levels, width=unity_width) if representation == "pyramid" else None
        )

    def forward(self, features: FeatureMaps, frame: Frame) -> SemanticPyramidPrediction:
        last_BCHW = features.last
        multiple = 2 ** (self.num_levels - 1)
        if last_BCHW.shape[-2] % multiple or last_BCHW.shape[-1] % multiple:
            height, width = last_BCHW.shape[-2:]
            raise BadInput(
                f"a pyramid's finest grid must have sides that are multiples of {multiple}, but got {width}x{height}; "
                f"resize pictures to multiples of {self.size_multiple} pixels."
            )
        finest_BCHW = self.reduce(last_BCHW)
        levels = [F.avg_pool2d(finest_BCHW, 2 ** (self.num_levels - 1 - n)) for n in range(self.num_levels - 1)]
        levels.append(finest_BCHW)
        if self.context is not None:
            levels = self.context(levels)
        logits = tuple(classify(level) for classify, level in zip(self.classify, levels[self.first_scored :]))
        unities = () if self.unity is None else self.unity(last_BCHW)
        return SemanticPyramidPrediction(logits, unities, self.cell_sizes[self.first_scored :], self.threshold)


def _classifier(width: int, num_classes: int) -> nn.Sequential:
    last = nn.Conv2d(width, num_classes, kernel_size=1)
    nn.init.normal_(last.weight, std=0.01)
    return nn.Sequential(ConvNormReLU(width, width), last)


class SemanticPyramidConfig(StrictConfig):
    head: Literal["semantic_pyramid"] = "semantic_pyramid"
    num_levels: int = Field(4, ge=2, le=MAX_LEVELS, description="L; cells of the last map's stride, twice it, ...")
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    key_width: int = Field(256, ge=1, le=MAX_WIDTH)
    unity_width: int = Field(128, ge=1, le=MAX_WIDTH)
    context: Context = "coarse_to_fine"
    representation: Representation = Field("pyramid", description="auxiliary, finest: without unities, for comparison")
    threshold: float = Field(0.5, ge=0, le=1, description="tau: a unity from here on speaks, in training and parsing")

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> SemanticPyramid:
        return SemanticPyramid(
            layout,
            num_classes=taxonomy.num_objects,
            num_levels=self.num_levels,
            width=self.width,
            key_width=self.key_width,
            unity_width=self.unity_width,
            context=self.context,
            representation=self.representation,
            threshold=self.threshold,
        )
