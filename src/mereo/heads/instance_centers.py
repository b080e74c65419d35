"""Instance centers: boxes of things, whose middles tell from which segments instances grow, by torchvision's parts.

"Contextual image parsing via panoptic segment sorting" (PSS), section 3.4; Ren, He, Girshick, Sun 2015, "Faster R-CNN".
Proposals are matched with targets in `losses`, which is asked for in training alone; `forward` never sees any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor, TwoMLPHead

from mereo.data.instances import InstanceTargets, thing_indices
from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH
from mereo.heads.exact_boxes import answer_in_float32
from mereo.heads.map_pyramid import MapPyramid, StrideAnchors, image_list, region_pooling
from mereo.strict import StrictConfig

BOX_SIDE = 7


@dataclass(frozen=True)
class InstanceCentersPrediction:
    """`maps` is what losses rest on. In evaluation `center_N2` (y, x in parts of the picture) of every image's boxes,
    best first; in training there are none."""

    maps: dict[str, Tensor]
    image_size: tuple[int, int]
    center_N2: tuple[Tensor, ...] = ()


class InstanceCenters(nn.Module):
    """A feature pyramid, proposals and boxes; no masks."""

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_things: int,
        width: int = 128,
        anchor_scale: float = 8.0,
        box_width: int = 256,
        rois_per_image: int = 128,
        answers_per_image: int = 100,
        lowest_score: float = 0.5,
    ) -> None:
        super().__init__()
        self.pyramid = MapPyramid(layout, kind="fpn", width=width)
        parts = FasterRCNN(
            self.pyramid,
            rpn_anchor_generator=StrideAnchors(self.pyramid.strides, scale=anchor_scale),
            box_roi_pool=region_pooling(self.pyramid, side=BOX_SIDE, scale=anchor_scale),
            box_head=TwoMLPHead(width * BOX_SIDE**2, box_width),
            box_predictor=FastRCNNPredictor(box_width, num_things + 1),  # torchvision's class 0 is "nothing".
            box_batch_size_per_image=rois_per_image,
            box_detections_per_img=answers_per_image,
            box_score_thresh=lowest_score,
        )
        # Of the whole only these: its transform would normalise and resize once more.
        self.proposals, self.regions = parts.rpn, parts.roi_heads
        answer_in_float32(self.proposals.head, self.regions.box_predictor)

    def forward(self, features: FeatureMaps, frame: Frame) -> InstanceCentersPrediction:
        maps, size = self.pyramid(features), frame.image_size
        if self.training:
            return InstanceCentersPrediction(maps, size)
        images = image_list(maps, size)
        boxes, _ = self.proposals(images, maps)
        answers, _ = self.regions(maps, boxes, images.image_sizes)
        centers = []
        for answer in answers:
            left_N, top_N, right_N, bottom_N = answer["boxes"].float().unbind(dim=1)
            y_N, x_N = (top_N + bottom_N) / (2 * size[0]), (left_N + right_N) / (2 * size[1])
            centers.append(torch.stack([y_N, x_N], dim=1))
        return InstanceCentersPrediction(maps, size, tuple(centers))

    def losses(self, prediction: InstanceCentersPrediction, targets: Sequence[InstanceTargets]) -> dict[str, Tensor]:
        """In training mode: torchvision's four losses, by its names. Images without things are all background."""
        as_theirs = [{"boxes": target.boxes_N4, "labels": target.label_N + 1} for target in targets]
        images = image_list(prediction.maps, prediction.image_size)
        boxes, of_proposals = self.proposals(images, prediction.maps, as_theirs)
        _, of_boxes = self.regions(prediction.maps, boxes, images.image_sizes, as_theirs)
        losses: dict[str, Tensor] = of_proposals | of_boxes
        return losses


class InstanceCentersConfig(StrictConfig):
    head: Literal["instance_centers"] = "instance_centers"
    width: int = Field(128, ge=1, le=MAX_WIDTH, description="channels of the pyramid")
    anchor_scale: float = Field(8.0, gt=0, le=64, description="side of an anchor in strides")
    box_width: int = Field(256, ge=1, le=MAX_WIDTH)
    rois_per_image: int = Field(128, ge=1, le=100_000, description="boxes that the box head learns from")
    answers_per_image: int = Field(100, ge=1, le=1000)
    lowest_score: float = Field(0.5, ge=0, lt=1, description="of a box whose middle is a seed")

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> InstanceCenters:
        return InstanceCenters(
            layout,
            num_things=len(thing_indices(taxonomy)),
            width=self.width,
            anchor_scale=self.anchor_scale,
            box_width=self.box_width,
            rois_per_image=self.rois_per_image,
            answers_per_image=self.answers_per_image,
            lowest_score=self.lowest_score,
        )
