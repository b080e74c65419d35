"""InstanceObjective: what an InstanceParser learns from label maps of classes and instances."""

import torch
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.instances import instance_targets
from mereo.heads.mask_rcnn import PyramidMaps
from mereo.parser.instances.instance_parser import InstanceParser
from mereo.parser.objective import Losses
from mereo.parser.scene_parser import SceneAnswers


class InstanceObjective(nn.Module):
    """The sum of Mask R-CNN's five losses, unweighted as in the paper (section 3).

    Pixels of things without an instance, and ignored pixels, count as background.
    """

    def __init__(self, parser: InstanceParser) -> None:
        super().__init__()
        self._parsers = (parser,)  # In a tuple: its weights are the parser's, and must not be saved as ours too.

    def forward(self, answers: SceneAnswers, batch: Batch) -> Losses:
        (parser,) = self._parsers
        targets = [
            instance_targets(semantic_HW, instances_HW, parser.things)
            for semantic_HW, instances_HW in zip(batch.required("semantic_BHW"), batch.required("instances_BHW"))
        ]
        terms: dict[str, Tensor] = parser.mask_rcnn.losses(answers.prediction(PyramidMaps), targets)
        return Losses(torch.stack(list(terms.values())).sum(), terms)
