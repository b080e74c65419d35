"""InstanceParser: the backbone and path of a trained parser under Mask R-CNN, to see what its features are worth there.

It is a SceneParser whose one head is `MaskRcnn`, so it trains in the same loop, normalises pixels as the parser did
that it comes from, and its path's reasoners work as before.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mereo.data.instances import Instances, thing_indices
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.stage import layout_of
from mereo.freed_memory import image_done
from mereo.heads.mask_rcnn import MaskRcnn, PyramidMaps
from mereo.parser.asking.answering import answering, plain_answers, seen_size
from mereo.parser.config import BuiltFeatures
from mereo.parser.instances.instance_answers import instances_at_size
from mereo.parser.scene_parser import SceneParser


class InstanceParser(SceneParser):
    """`taxonomy` is of the labels that it learns: its things are found, in index order.

    `has_frozen_norms`: batch norms of backbone and path keep their statistics and weights, as usual for detectors,
    whose batches are small.
    """

    def __init__(
        self,
        features: BuiltFeatures,
        head: MaskRcnn,
        *,
        taxonomy: Taxonomy,
        working_side: int | None = None,
        has_frozen_norms: bool = True,
    ) -> None:
        super().__init__(
            features.backbone,
            features.path,
            [head],
            taxonomy=taxonomy,
            preprocessing=features.preprocessing.model_copy(update={"working_side": working_side}),
        )
        self.things = thing_indices(taxonomy)
        self.thing_names = tuple(taxonomy.object_names[index] for index in self.things)
        self.has_frozen_norms = has_frozen_norms
        for norm in self.frozen_norms():
            norm.requires_grad_(False)

    def frozen_norms(self) -> list[nn.Module]:
        if not self.has_frozen_norms:
            return []
        modules = [*self.backbone.modules(), *self.path.modules()]
        return [module for module in modules if isinstance(module, _BatchNorm)]

    def train(self, mode: bool = True) -> "InstanceParser":
        super().train(mode)
        for norm in self.frozen_norms():
            norm.train(False)
        return self

    @torch.no_grad()
    def detect(self, image_HWC: np.ndarray, *, name: str = "image") -> Instances:
        """Things of one photograph (uint8, H W 3), best first, at the photograph's size."""
        maps = plain_answers(self, image_HWC, name=name).prediction(PyramidMaps)
        with answering(self):
            (answer,) = self.mask_rcnn.detections(maps)
        image_done()
        size = (image_HWC.shape[0], image_HWC.shape[1])
        return instances_at_size(answer, working=seen_size(self, image_HWC), size=size)

    @property
    def mask_rcnn(self) -> MaskRcnn:
        (head,) = self.heads
        if not isinstance(head, MaskRcnn):
            raise BadInput(f"an instance parser's head must be MaskRcnn, but got {type(head).__name__}; pass that one.")
        return head


def features_of(parser: SceneParser, *, num_stages: int | None = None) -> BuiltFeatures:
    """A parser without its heads, or with only the first stages of its path. The modules are shared, not copied."""
    if num_stages is not None and num_stages > len(parser.path):
        raise BadInput(
            f"the path must have the wanted stages, but got {len(parser.path)} of {num_stages}; ask for fewer."
        )
    path = tuple(parser.path)[:num_stages]
    last = path[-1] if path else parser.backbone
    layout = layout_of(last, what="the last stage of a path")
    return BuiltFeatures(parser.backbone, path, layout, parser.preprocessing)
