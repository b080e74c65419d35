"""Deep grouping: superpixels gather into groups and groups of groups, which hear of each other, then tell the pixels.

Li, Bao, Zheng, Xu, "Deep grouping model for unified perceptual parsing" (DGM), section 3. docs/papers/deep_grouping.md
maps equations to functions and tests.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.pyramid_pooling import resized
from mereo.features.stage import MAX_WIDTH, Stage, SuperpixelWish
from mereo.reasoning.collapse_warning import CollapseWarning
from mereo.reasoning.frame_superpixels import FrameSuperpixels, frame_superpixels
from mereo.reasoning.graph_levels import level_sources, maps_at_strides
from mereo.reasoning.message_convolution import MessageConvolution
from mereo.regions.gaussian_grouping import group_vertices, message_weights, nearest_groups, spread_of_directions
from mereo.regions.grouping_hierarchy import GroupingHierarchy
from mereo.regions.superpixel_pooling import mean_over_superpixels, spread_superpixels
from mereo.regions.working_superpixels import MAX_REGIONS
from mereo.strict import StrictConfig

BandwidthOf = Literal["spread", "distance"]
Lengths = Literal["printed", "matched"]
MessagesBy = Literal["vertices", "pooled"]
LEAST_SPREAD = 1e-2  # Root of the mean squared distance: below, single precision sees noise.
STRIDES = (4, 8, 16, 32)  # Of the levels; superpixels are pooled at the first one.


class DeepGrouping(Stage):
    """The maps plus what the hierarchy over the picture's superpixels makes of them. Same shapes out.

    Every level looks at the map of its stride, or at the nearest one. Maps of other widths come in through laterals of
    the stage's own and go out widened again; maps that all have `width` channels (a feature pyramid's) need neither.

    A graph convolution answers with vectors of at most length 1, and a map's are far longer, so whatever groups say is
    all but lost in sums with what maps say (equations 5, 10, 11, and the residual). With `lengths="matched"` every such
    sum is of vectors of length 1, and what pixels and the scene are told is about as long as a map's vectors (learned
    for pixels, fixed for the scene, whose head has a layer behind it).

    Messages come down by how near a node lies to the groups' own vertices (equation 8), or with `messages_by="pooled"`
    to the means of equation 2, which lie among the nodes that they were made of.
    """

    def __init__(
        self,
        in_layout: FeatureLayout,
        *,
        width: int = 512,
        bandwidth: float = 0.4,
        bandwidth_of: BandwidthOf = "spread",
        training_iterations: int = 5,
        iterations: int = 10,
        has_top_down: bool = True,
        lengths: Lengths = "printed",
        messages_by: MessagesBy = "vertices",
        superpixels: SuperpixelWish | None = None,
    ) -> None:
        super().__init__(in_layout)
        self.superpixel_wish = superpixels or SuperpixelWish()
        self.bandwidth, self.bandwidth_of = bandwidth, bandwidth_of
        self.training_iterations, self.iterations = training_iterations, iterations
        self.messages_by = messages_by
        self.sources = level_sources(in_layout.strides, STRIDES)
        channels = [in_layout.channels[source] for source in self.sources]
        is_fitting = all(channel == width for channel in channels)
        self.laterals = nn.ModuleList(nn.Identity() if is_fitting else ConvNormReLU(c, width) for c in channels)
        self.lift = nn.ModuleList(MessageConvolution(width) for _ in STRIDES[1:])  # equation 5
        self.descend = nn.ModuleList(MessageConvolution(width) for _ in STRIDES if has_top_down)  # equation 10
        self.reproject = nn.ModuleList(MessageConvolution(width) for _ in STRIDES)  # equation 11
        self.widen = nn.ModuleList(nn.Identity() if is_fitting else nn.Linear(width, c) for c in channels)
        self.warn_of_collapse = CollapseWarning()
        self.start_length = math.sqrt(width) / 2  # Vectors of a map behind a norm and a ReLU are a little longer.
        if lengths == "matched":
            self.told_length = nn.Parameter(torch.full((len(STRIDES),), self.start_length))
        self.lengths = lengths

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        found = frame_superpixels(frame, stride=STRIDES[0])
        sources = [lateral(features.maps[source]) for lateral, source in zip(self.laterals, self.sources)]
        levels = maps_at_strides(sources, frame.image_size, STRIDES)
        with torch.autocast(features.last.device.type, enabled=False):
            cells = found.label_Bhw.shape[1:]
            kind = next(self.reproject.parameters()).dtype
            seen = [  # U of the paper: what each level's map says about every superpixel
                mean_over_superpixels(resized(level_BChw, cells), found.label_Bhw, found.most).to(kind)
                for level_BChw in levels
            ]
            if self.lengths == "matched":
                seen = [F.normalize(seen_BRC, dim=2) for seen_BRC in seen]
            hierarchy = self.hierarchy(seen, found)
            told = self._told(seen, hierarchy)
        return self._with_added(features, told, found).with_evidence(hierarchy)

    def hierarchy(self, seen: Sequence[Tensor], found: FrameSuperpixels) -> GroupingHierarchy:
        """Bottom-up (section 3.1), then top-down (section 3.2). `seen`: B R C a level, over the superpixels."""
        vertices, present = [seen[0]], [found.is_present_BR]
        groupings: list[Tensor] = []
        nearest: list[Tensor] = []
        pooled_vertices: list[Tensor] = []
        bandwidths: list[float | Tensor] = []
        counts, cumulative_BRS = list(found.counts), None
        generator = _generator() if self.training else None
        for seen_BRC, lift in zip(seen[1:], self.lift):
            counts = [-(-count // 2) for count in counts]
            bandwidths.append(self._bandwidth(vertices[-1], present[-1]))
            pooled = group_vertices(
                vertices[-1],
                counts,
                bandwidth=bandwidths[-1],
                iterations=self.training_iterations if self.training else self.iterations,
                is_present_BR=present[-1],
                generator=generator,
            )
            self.warn_of_collapse(vertices[-1], present[-1], pooled, is_training=self.training)
            grouping = pooled.grouping_BRS
            cumulative_BRS = grouping if cumulative_BRS is None else cumulative_BRS @ grouping
            groupings.append(grouping)
            pooled_vertices.append(pooled.vertices_BSC)
            nearest.append(nearest_groups(vertices[-1], pooled))
            present.append(pooled.is_present_BS)
            lifted_BSC = lift(pooled.vertices_BSC, seen_BRC, cumulative_BRS.transpose(1, 2))  # equation 5
            vertices.append(lifted_BSC * pooled.is_present_BS[:, :, None])
        global_BC = vertices[-1].sum(dim=1) / present[-1].sum(dim=1)[:, None]  # equation 7
        risen = tuple(vertices)
        messages = self._descended(vertices, present, pooled_vertices, bandwidths, global_BC)
        return GroupingHierarchy(
            label_BHW=found.label_BHW,
            vertices_per_level=tuple(vertices),
            risen_per_level=risen,
            is_present_per_level=tuple(present),
            groupings=tuple(groupings),
            nearest=tuple(nearest),
            messages=tuple(messages),
            global_BC=global_BC * self.start_length if self.lengths == "matched" else global_BC,
        )

    def _bandwidth(self, vertices_BRC: Tensor, is_present_BR: Tensor) -> float | Tensor:
        """B of them, or one for all."""
        if self.bandwidth_of == "distance":
            return self.bandwidth
        # differs from the paper: sigma is a share of how far the vertices are apart, picture by picture and level by
        # level. Higher levels lie far closer together, and with one sigma for all of them theirs become one group.
        spread_B = spread_of_directions(vertices_BRC.detach(), is_present_BR)
        return self.bandwidth * spread_B.sqrt().clamp(min=LEAST_SPREAD)

    def _descended(
        self,
        vertices: list[Tensor],
        present: list[Tensor],
        pooled: Sequence[Tensor],
        bandwidths: Sequence[float | Tensor],
        global_BC: Tensor,
    ) -> list[Tensor]:
        """Updates `vertices` from the top level down, each by the one above it; the weights that the messages had."""
        if len(self.descend):
            all_B1 = present[-1].any(dim=1, keepdim=True)
            weight_BS1 = (present[-1][:, :, None] & all_B1[:, :, None]).to(global_BC.dtype)
            top_BSC = self.descend[-1](vertices[-1], global_BC[:, None], weight_BS1)
            vertices[-1] = top_BSC * present[-1][:, :, None]
        messages: list[Tensor] = []
        for level in reversed(range(len(vertices) - 1)):
            weight_BRS = message_weights(
                vertices[level],
                pooled[level] if self.messages_by == "pooled" else vertices[level + 1],
                bandwidth=bandwidths[level],
                is_present_BR=present[level],
                is_present_BS=present[level + 1],
            )
            messages.insert(0, weight_BRS)
            if len(self.descend):
                heard_BRC = self.descend[level](vertices[level], vertices[level + 1], weight_BRS)  # equation 10
                vertices[level] = heard_BRC * present[level][:, :, None]
        return messages

    def _told(self, seen: Sequence[Tensor], hierarchy: GroupingHierarchy) -> list[Tensor]:
        """What every superpixel gets from each level, B R C (equation 11)."""
        told = []
        # differs from the paper: the product ends one level below, where the printed one would not fit.
        own_BRR = torch.eye(seen[0].shape[1], dtype=seen[0].dtype, device=seen[0].device)
        weight_BRS = own_BRR.expand(len(seen[0]), -1, -1)
        for level, (seen_BRC, vertices_BSC) in enumerate(zip(seen, hierarchy.vertices_per_level)):
            if level:
                message_BRS = hierarchy.messages[level - 1]
                weight_BRS = message_BRS if level == 1 else weight_BRS @ message_BRS
            told_BRC = self.reproject[level](seen_BRC, vertices_BSC, weight_BRS)
            told.append(told_BRC * self.told_length[level] if self.lengths == "matched" else told_BRC)
        return told

    def _with_added(self, features: FeatureMaps, told: Sequence[Tensor], found: FrameSuperpixels) -> FeatureMaps:
        """Each map plus its superpixels' answers, of all levels that looked at it."""
        of_map: dict[int, Tensor] = {}
        for source, told_BRC, widen in zip(self.sources, told, self.widen):
            wide_BRC = widen(told_BRC)
            of_map[source] = of_map[source] + wide_BRC if source in of_map else wide_BRC
        maps = list(features.maps)
        for source, told_BRC in of_map.items():
            cells_Bhw = found.label_at(maps[source].shape[-2:])
            maps[source] = maps[source] + spread_superpixels(told_BRC, cells_Bhw).to(maps[source].dtype)
        return FeatureMaps(tuple(maps), features.strides, features.evidence)


def _generator() -> torch.Generator:
    """Seeded by the global one, which training sets for every step: a resumed run draws the same start nodes."""
    return torch.Generator().manual_seed(int(torch.randint(2**62, (1,))))


class DeepGroupingConfig(StrictConfig):
    stage: Literal["deep_grouping"] = "deep_grouping"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    bandwidth: float = Field(0.4, gt=0, le=100, description="sigma; see bandwidth_of")
    bandwidth_of: BandwidthOf = Field(
        "spread", description="sigma is a share of how far vertices are apart; distance: as printed, of 2 at most"
    )
    training_iterations: int = Field(5, ge=1, le=1000)
    iterations: int = Field(10, ge=1, le=1000, description="outside of training")
    top_down: bool = Field(True, description="messages from groups to what they hold")
    lengths: Lengths = Field("printed", description="matched: sums of unit vectors, told at a learned length")
    messages_by: MessagesBy = Field("vertices", description="pooled: by the means that groups were made of")
    superpixels: Literal["watershed", "slic", "felzenszwalb"] = "watershed"
    max_regions: int = Field(512, ge=1, le=MAX_REGIONS)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> DeepGrouping:
        return DeepGrouping(
            in_layout,
            width=self.width,
            bandwidth=self.bandwidth,
            bandwidth_of=self.bandwidth_of,
            training_iterations=self.training_iterations,
            iterations=self.iterations,
            has_top_down=self.top_down,
            lengths=self.lengths,
            messages_by=self.messages_by,
            superpixels=SuperpixelWish(self.superpixels, self.max_regions),
        )
