"""Mask R-CNN as a head: feature maps -> boxes, classes and masks of things, with torchvision's detection parts.

He, Gkioxari, Dollar, Girshick 2017, "Mask R-CNN". This is the one module that may see targets in training: proposals
are matched with them. The proposals, matching, sampling and losses are torchvision's; the maps, their strides and the
normalisation of pixels are the parser's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNN, MaskRCNNHeads, MaskRCNNPredictor

from mereo.data.instances import InstanceTargets
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH
from mereo.heads.exact_boxes import answer_in_float32
from mereo.heads.map_pyramid import MapPyramid, PyramidKind, StrideAnchors, image_list, region_pooling
from mereo.strict import StrictConfig

BOX_SIDE, MASK_SIDE, MASK_LAYERS = 7, 14, 4
LOSS_NAMES = {
    "loss_objectness": "proposal_objectness",
    "loss_rpn_box_reg": "proposal_boxes",
    "loss_classifier": "box_classes",
    "loss_box_reg": "box_sides",
    "loss_mask": "masks",
}


@dataclass(frozen=True)
class PyramidMaps:
    """What losses and detections rest on: maps of all levels by torchvision's names, finest first."""

    maps: dict[str, Tensor]
    image_size: tuple[int, int]


@dataclass(frozen=True)
class DetectedThings:
    """The answers for one image, best first: `label_N` counts among the things, masks are those within their box."""

    label_N: Tensor
    score_N: Tensor
    boxes_N4: Tensor
    mask_probability_Nhw: Tensor


class MaskRcnn(nn.Module):
    """`forward` gives the pyramid; `losses` and `detections` are asked for when they are wanted."""

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_things: int,
        pyramid: PyramidKind = "fpn",
        width: int = 256,
        anchor_scale: float = 8.0,
        box_width: int = 1024,
        mask_width: int = 256,
        rois_per_image: int = 512,
        positive_share: float = 0.25,
        answers_per_image: int = 100,
        lowest_score: float = 0.05,
    ) -> None:
        super().__init__()
        self.pyramid = MapPyramid(layout, kind=pyramid, width=width)
        channels, num_classes = self.pyramid.out_channels, num_things + 1  # torchvision's class 0 is "nothing".
        parts = MaskRCNN(
            self.pyramid,
            rpn_anchor_generator=StrideAnchors(self.pyramid.strides, scale=anchor_scale),
            box_roi_pool=region_pooling(self.pyramid, side=BOX_SIDE, scale=anchor_scale),
            box_head=TwoMLPHead(channels * BOX_SIDE**2, box_width),
            box_predictor=FastRCNNPredictor(box_width, num_classes),
            box_batch_size_per_image=rois_per_image,
            box_positive_fraction=positive_share,
            box_detections_per_img=answers_per_image,
            box_score_thresh=lowest_score,
            mask_roi_pool=region_pooling(self.pyramid, side=MASK_SIDE, scale=anchor_scale),
            mask_head=MaskRCNNHeads(channels, (mask_width,) * MASK_LAYERS, 1),
            mask_predictor=MaskRCNNPredictor(mask_width, mask_width, num_classes),
        )
        # Of the whole only these: its transform would normalise and resize once more.
        self.proposals, self.regions = parts.rpn, parts.roi_heads
        answer_in_float32(self.proposals.head, self.regions.box_predictor, self.regions.mask_predictor)

    def forward(self, features: FeatureMaps, frame: Frame) -> PyramidMaps:
        return PyramidMaps(self.pyramid(features), frame.image_size)

    def losses(self, pyramid: PyramidMaps, targets: Sequence[InstanceTargets]) -> dict[str, Tensor]:
        """In training mode: torchvision's five losses, by our names."""
        as_theirs = [
            {"boxes": target.boxes_N4, "labels": target.label_N + 1, "masks": target.mask_NHW.byte()}
            for target in targets
        ]
        images = image_list(pyramid.maps, pyramid.image_size)
        boxes, proposal_losses = self.proposals(images, pyramid.maps, as_theirs)
        _, region_losses = self.regions(pyramid.maps, boxes, images.image_sizes, as_theirs)
        return {LOSS_NAMES[name]: loss for name, loss in (proposal_losses | region_losses).items()}

    def detections(self, pyramid: PyramidMaps) -> list[DetectedThings]:
        """In evaluation mode: the answers for each image, in pixels of what the parser saw."""
        images = image_list(pyramid.maps, pyramid.image_size)
        boxes, _ = self.proposals(images, pyramid.maps)
        answers, _ = self.regions(pyramid.maps, boxes, images.image_sizes)
        return [
            DetectedThings(answer["labels"] - 1, answer["scores"], answer["boxes"], answer["masks"][:, 0])
            for answer in answers
        ]


class MaskRcnnConfig(StrictConfig):
    pyramid: PyramidKind = Field("fpn", description="fpn: maps of stride 4 to 32; c4: the path's last map alone")
    width: int = Field(256, ge=1, le=MAX_WIDTH, description="channels of the pyramid (c4 has the map's own)")
    anchor_scale: float = Field(
        8.0, gt=0, le=64, description="side of an anchor in strides: 8 gives 32 to 512 pixels, 4 gives 16 to 256"
    )
    box_width: int = Field(1024, ge=1, le=MAX_WIDTH)
    mask_width: int = Field(256, ge=1, le=MAX_WIDTH)
    rois_per_image: int = Field(512, ge=1, le=100_000, description="boxes that the box head learns from")
    positive_share: float = Field(0.25, gt=0, le=1, description="0.25 is one with a thing to three without")
    answers_per_image: int = Field(100, ge=1, le=1000, description="COCO counts the best 100")
    lowest_score: float = Field(0.05, ge=0, lt=1)

    def build(self, layout: FeatureLayout, num_things: int) -> MaskRcnn:
        return MaskRcnn(layout, num_things=num_things, **dict(self))
