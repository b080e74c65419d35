"""Segment sorting: an embedding a pixel, segments of pixels whose embeddings agree, a class for each segment.

"Contextual image parsing via panoptic segment sorting" (PSS), sections 3 and 4.1. What belongs to one instance, or to
one class of stuff, points the same way; segments are later merged into instances by nothing but that.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH
from mereo.heads.class_scores import ClassScores
from mereo.heads.level_branch import Convolution, LevelBranch
from mereo.regions.dynamic_partitioning import split_noisy_segments
from mereo.regions.unit_sphere_segments import grid_labels, segment_sums, spherical_kmeans, with_positions
from mereo.strict import StrictConfig

MAX_GRID = 64
MAX_EMBEDDING = 1024
# Of a prototype before the classifier: at length 1 its numbers are so small that rare classes are hardly learned.
PROTOTYPE_LENGTH = 16
GridSide = Annotated[int, Field(ge=1, le=MAX_GRID)]


@dataclass(frozen=True)
class MergingRule:
    """How segments become instances and stuff: prototypes of things that are at least so near merge (T_P); a class of
    stuff that covers fewer pixels of the photograph is left out. Seeds count where the parser has a head for them."""

    threshold: float = 0.7
    least_stuff_pixels: int = 0
    uses_seeds: bool = True


@dataclass(frozen=True)
class SegmentSortingPrediction:
    """Embeddings of length 1, and the segment of every pixel, counted from 0 in each image.

    `embedding_sum_BSD` (its direction is the prototype) and `class_logits_BSK` are those of the segments; S is the
    most that an image of the batch has, and a segment that nobody belongs to has a sum of 0.
    """

    embedding_BDhw: Tensor
    segment_Bhw: Tensor
    embedding_sum_BSD: Tensor
    class_logits_BSK: Tensor
    rule: MergingRule = MergingRule()

    @property
    def class_probability_BKhw(self) -> Tensor:
        """Every pixel has the probabilities of its segment."""
        probability_BSK = self.class_logits_BSK.float().softmax(dim=2)
        segment_BPK = self.segment_Bhw.flatten(1)[:, :, None].expand(-1, -1, probability_BSK.shape[2])
        of_pixel_BPK = probability_BSK.gather(1, segment_BPK)
        return of_pixel_BPK.transpose(1, 2).unflatten(2, tuple(self.segment_Bhw.shape[1:]))

    def class_scores(self) -> ClassScores:
        return ClassScores(self.class_probability_BKhw, are_probabilities=True)


class SegmentSorting(nn.Module):
    """`grid` is where k-means starts, rows and columns. In evaluation noisy segments are split once more.

    With `has_location` k-means also looks at where a pixel is; prototypes and losses never do.
    """

    says_classes = True
    why_no_graph = "its segments are found and merged one picture at a time"

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_classes: int,
        width: int = 128,
        embedding_width: int = 32,
        convolution: Convolution = "deformable",
        grid: tuple[int, int] = (8, 8),
        iterations: int = 10,
        has_location: bool = True,
        split_below: float = 0.9,
        split_parts: int = 4,
        rule: MergingRule | None = None,
    ) -> None:
        super().__init__()
        self.branch = LevelBranch(layout, width=width, out_channels=embedding_width, convolution=convolution)
        # Two 1x1 convolutions on prototypes: a prototype is a map of one pixel.
        self.classify = nn.Sequential(
            nn.Linear(embedding_width, width), nn.ReLU(inplace=True), nn.Linear(width, num_classes)
        )
        self.grid, self.iterations, self.has_location = grid, iterations, has_location
        self.split_below, self.split_parts = split_below, split_parts
        self.rule = rule or MergingRule()

    def forward(self, features: FeatureMaps, frame: Frame) -> SegmentSortingPrediction:
        embedding_BDhw = F.normalize(self.branch(features).float(), dim=1)
        segment_Bhw = torch.stack([self.segments(one_1Dhw) for one_1Dhw in embedding_BDhw.detach().split(1)])
        num_segments = int(segment_Bhw.max()) + 1
        sums = [
            segment_sums(embedding_Dhw.flatten(1).T, segment_hw.flatten(), num_segments)
            for embedding_Dhw, segment_hw in zip(embedding_BDhw, segment_Bhw)
        ]
        embedding_sum_BSD = torch.stack(sums)
        class_logits_BSK = self.class_logits(embedding_sum_BSD)
        return SegmentSortingPrediction(embedding_BDhw, segment_Bhw, embedding_sum_BSD, class_logits_BSK, self.rule)

    def class_logits(self, embedding_sum_BSD: Tensor) -> Tensor:
        """Of segments whose embeddings have these sums: of their prototypes, the directions."""
        logits_BSK: Tensor = self.classify(F.normalize(embedding_sum_BSD, dim=-1) * PROTOTYPE_LENGTH)
        return logits_BSK

    @torch.no_grad()
    def segments(self, embedding_1Dhw: Tensor) -> Tensor:
        """`segment_hw` of one image, from 0 without gaps."""
        height, width = embedding_1Dhw.shape[-2:]
        seen_1Ehw = with_positions(embedding_1Dhw) if self.has_location else embedding_1Dhw
        seen_PE = seen_1Ehw[0].flatten(1).T.contiguous()
        rows, columns = self.grid
        start_hw = grid_labels(height, width, rows=rows, columns=columns, device=embedding_1Dhw.device)
        label_P = spherical_kmeans(seen_PE, start_hw.flatten(), iterations=self.iterations)
        if self.training:
            return torch.unique(label_P, return_inverse=True)[1].view(height, width)
        label_P = split_noisy_segments(
            embedding_1Dhw[0].flatten(1).T,
            label_P,
            threshold=self.split_below,
            parts=self.split_parts,
            iterations=self.iterations,
            clustered_NE=seen_PE,
        )
        return label_P.view(height, width)


class SegmentSortingConfig(StrictConfig):
    head: Literal["segment_sorting"] = "segment_sorting"
    width: int = Field(128, ge=1, le=MAX_WIDTH)
    embedding_width: int = Field(32, ge=2, le=MAX_EMBEDDING)
    convolution: Convolution = Field("deformable", description="plain: 3x3 convolutions that stay where they are")
    grid: tuple[GridSide, GridSide] = Field((8, 8), description="rows and columns where k-means starts; streets 12x12")
    iterations: int = Field(10, ge=0, le=1000)
    has_location: bool = Field(True, description="clustering also looks at where a pixel is")
    split_below: float = Field(0.9, ge=0, le=1, description="T_S, of a segment's concentration; 0: never split")
    split_parts: int = Field(4, ge=1, le=MAX_GRID)
    merge_from: float = Field(0.7, ge=-1, description="T_P, cosine of prototypes of one thing; above 1: never")
    least_stuff_pixels: int = Field(0, ge=0, description="a class of stuff that covers fewer is left out")
    uses_seeds: bool = Field(True, description="of the head instance_centers, where there is one, in parsing")

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> SegmentSorting:
        rule = MergingRule(self.merge_from, self.least_stuff_pixels, self.uses_seeds)
        return SegmentSorting(
            layout,
            num_classes=taxonomy.num_objects,
            width=self.width,
            embedding_width=self.embedding_width,
            convolution=self.convolution,
            grid=self.grid,
            iterations=self.iterations,
            has_location=self.has_location,
            split_below=self.split_below,
            split_parts=self.split_parts,
            rule=rule,
        )
