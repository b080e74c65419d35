"""A parser as one function from pixels to class scores, which can be traced once for all sizes of picture.

It is `SceneParser.forward` and `image_scores.scores_of` without their choices: what there depends on a size is done for
every size here, because a choice would be frozen as it fell for the picture that was traced.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.heads.class_scores import ClassScores, SaysClasses
from mereo.parser.asking.answering import answering
from mereo.parser.scene_parser import SceneParser

PROBED_SIDE = 64


class ExportedScores(nn.Module):
    """`image_BCHW` (uint8, RGB, any size) -> `scores_BKhw` of the first head, on the grid of its feature map.

    `watch` is told what comes next, so that an error can name it: "the backbone", the number of a stage, "the head",
    "the end".
    """

    def __init__(self, parser: SceneParser, *, watch: Callable[[str | int], None] = lambda piece: None) -> None:
        super().__init__()
        self.parser, self.watch = parser, watch
        # Networks that only take multiples of their stride pad the picture themselves, if its size asks for it.
        self.padded_multiple = int(getattr(parser.backbone, "size_multiple", 1))

    def forward(self, image_BCHW: Tensor) -> Tensor:
        parser = self.parser
        image_BCHW = image_BCHW.to(parser.mean_311.dtype)
        if parser.size_multiple > 1:
            size = tuple(_nearest_multiple(side, parser.size_multiple) for side in image_BCHW.shape[2:])
            image_BCHW = F.interpolate(image_BCHW, size=size, mode="bilinear", align_corners=False, antialias=True)
        normalised_BCHW = (image_BCHW - parser.mean_311) / parser.std_311
        self.watch("the backbone")
        features = self._backbone_features(normalised_BCHW)
        frame = Frame(image_size=(image_BCHW.shape[2], image_BCHW.shape[3]))
        for number, stage in enumerate(parser.path):
            self.watch(number)
            features = stage(features, frame)
        self.watch("the head")
        scores_BKhw = batch_scores(parser.heads[0](features, frame)).scores_BKhw.float()
        self.watch("the end")
        return scores_BKhw

    def _backbone_features(self, image_BCHW: Tensor) -> FeatureMaps:
        if self.padded_multiple == 1:
            features: FeatureMaps = self.parser.backbone(image_BCHW)
            return features
        height, width = image_BCHW.shape[2:]
        # Without negative numbers, whose remainders are of another sign in some runtimes.
        multiple = self.padded_multiple
        below, right = ((multiple - side % multiple) % multiple for side in (height, width))
        features = self.parser.backbone(F.pad(image_BCHW, (0, right, 0, below)))
        cut = [
            feature_map[..., : -(-height // stride), : -(-width // stride)]
            for feature_map, stride in zip(features.maps, features.strides)
        ]
        return FeatureMaps(tuple(cut), features.strides, features.evidence)


def batch_scores(prediction: Any) -> ClassScores:
    """What `image_scores.scores_of` says of one image, for a whole batch."""
    if isinstance(prediction, SaysClasses):
        return prediction.class_scores()
    raise BadInput(
        f"a head to export must give class scores for all pixels, but got {type(prediction).__name__}; "
        "use e.g. pixel_classes."
    )


@torch.no_grad()
def gives_probabilities(parser: SceneParser) -> bool:
    """Else its scores are logits. The first head is asked about a small picture: only its prediction knows."""
    with answering(parser):
        answers = parser(parser.mean_311.new_zeros(1, 3, PROBED_SIDE, PROBED_SIDE))
    return batch_scores(answers.predictions[0]).are_probabilities


def _nearest_multiple(length: int, multiple: int) -> int:
    """As `regions.cells.nearest_multiple`; the larger of two is not chosen while tracing, but in the graph."""
    larger: Any = torch.sym_max(multiple, (2 * length + multiple) // (2 * multiple) * multiple)
    return larger
