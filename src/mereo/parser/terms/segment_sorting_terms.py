"""The loss of segment sorting in recipes: sorting, classes of segments, and boxes whose middles are seeds."""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.component_instances import InstanceSource, component_instances
from mereo.data.instances import instance_targets
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.heads.instance_centers import InstanceCenters, InstanceCentersPrediction
from mereo.heads.segment_sorting import SegmentSorting, SegmentSortingPrediction
from mereo.losses.segment_sorting import segment_sorting_loss
from mereo.losses.sorting_pixels import SortingPixels, sorting_pixels
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import OneTermLoss
from mereo.processes import over_whole_batch
from mereo.regions.unit_sphere_segments import segment_sums


class SegmentSortingTerm(nn.Module):
    """sorting_weight * mean over pixels of equation 2 + classes_weight * mean over segments of the cross-entropy of
    their prototypes + seeds_weight * the losses of proposals and boxes, where the parser has that head."""

    is_thing_K: Tensor

    def __init__(
        self,
        head: SegmentSorting,
        centers: InstanceCenters | None,
        taxonomy: Taxonomy,
        *,
        sorting_weight: float = 1.0,
        classes_weight: float = 1.0,
        seeds_weight: float = 1.0,
        concentration: float = 10.0,
        small_pixels: int = 1024,
        instances: InstanceSource = "labelled",
    ) -> None:
        super().__init__()
        self._heads = (head, centers)  # In a tuple: their weights are the parser's, and must not be saved as ours too.
        self.taxonomy = taxonomy
        # On the device once and not in every step; the taxonomy is saved elsewhere.
        self.register_buffer("is_thing_K", torch.tensor(taxonomy.is_thing), persistent=False)
        self.things = taxonomy.things
        self.sorting_weight, self.classes_weight, self.seeds_weight = sorting_weight, classes_weight, seeds_weight
        self.concentration, self.small_pixels, self.instances = concentration, small_pixels, instances

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        prediction = answers.prediction(SegmentSortingPrediction)
        semantic_BHW, instances_BHW = batch.required("semantic_BHW"), self.instance_labels(batch)
        pixels = sorting_pixels(
            prediction.embedding_BDhw,
            prediction.segment_Bhw,
            semantic_BHW,
            instances_BHW,
            is_thing_K=self.is_thing_K,
            ignore_label=self.taxonomy.ignore_index,
            small_pixels=self.small_pixels,
        )
        loss = self.sorting_weight * self.of_sorting(pixels) + self.classes_weight * self.of_classes(pixels)
        centers = self._heads[1]
        if centers is None:
            return loss
        targets = [
            instance_targets(semantic_HW, instances_HW, self.things)
            for semantic_HW, instances_HW in zip(semantic_BHW, instances_BHW)
        ]
        of_seeds = centers.losses(answers.prediction(InstanceCentersPrediction), targets)
        return loss + self.seeds_weight * torch.stack(list(of_seeds.values())).sum()

    def instance_labels(self, batch: Batch) -> Tensor:
        semantic_BHW = batch.required("semantic_BHW")
        if not self.things:
            return torch.zeros_like(semantic_BHW)
        if self.instances == "labelled":
            return batch.required("instances_BHW")
        maps = [component_instances(semantic_HW.cpu().numpy(), self.things) for semantic_HW in semantic_BHW]
        return torch.stack([torch.from_numpy(one_HW) for one_HW in maps]).to(semantic_BHW.device)

    def of_sorting(self, pixels: SortingPixels) -> Tensor:
        total = segment_sorting_loss(
            pixels.embedding_ND,
            pixels.segment_N,
            pixels.label_of_segment_S,
            concentration=self.concentration,
            reduction="sum",
        )
        return over_whole_batch(total, total.new_tensor(float(len(pixels.segment_N))))

    def of_classes(self, pixels: SortingPixels) -> Tensor:
        sum_SD = segment_sums(pixels.embedding_ND, pixels.segment_N, len(pixels.class_of_segment_S))
        logits_SK = self._heads[0].class_logits(sum_SD).float()
        total = F.cross_entropy(logits_SK, pixels.class_of_segment_S, reduction="sum")
        return over_whole_batch(total, total.new_tensor(float(len(pixels.class_of_segment_S))))


class SegmentSortingLossConfig(OneTermLoss):
    loss: Literal["segment_sorting"] = "segment_sorting"
    weight: float = Field(1.0, ge=0)
    sorting_weight: float = Field(1.0, ge=0)
    classes_weight: float = Field(1.0, ge=0)
    seeds_weight: float = Field(1.0, ge=0, description="of the head instance_centers, where there is one")
    concentration: float = Field(10.0, gt=0, description="kappa")
    small_pixels: int = Field(1024, ge=0, description="instances below learn on embeddings of twice the size; 0: none")
    instances: InstanceSource = Field(
        "labelled",
        description="components: every connected piece of a thing's class is one, for data without instances",
    )

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> SegmentSortingTerm:
        heads, centers = parser.heads_of(SegmentSorting), parser.heads_of(InstanceCenters)
        if not heads:
            raise BadInput(
                "segment_sorting must have a head of that name, but got none; add it, or leave the loss out."
            )
        return SegmentSortingTerm(
            heads[0],
            centers[0] if centers else None,
            parser.taxonomy,
            sorting_weight=self.sorting_weight,
            classes_weight=self.classes_weight,
            seeds_weight=self.seeds_weight,
            concentration=self.concentration,
            small_pixels=self.small_pixels,
            instances=self.instances,
        )
