"""Dense features: what a parser knows of every place of a photograph, as one map, whichever heads it has.

To compare what parsers know, each gives the map that its own answers rest on: a head of sorted segments its embedding,
a detector the finest map of its pyramid, any other parser the last map before its classifier.
"""

from dataclasses import dataclass

import numpy as np
import torch

from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.heads.mask_rcnn import PyramidMaps
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.asking.answering import plain_answers
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.two_branches import TwoBranches


@dataclass(frozen=True, eq=False)
class DenseFeatures:
    """`map_Chw` lies over the whole photograph, coarser than it; `source` says in words which map it is."""

    map_Chw: np.ndarray
    source: str


@torch.inference_mode()
def dense_features(parser: SceneParser | TwoBranches, image_HWC: np.ndarray, *, name: str = "image") -> DenseFeatures:
    """In one plain pass at the parser's working size. Of two branches it is the detector that tells things apart."""
    network = parser.instances if isinstance(parser, TwoBranches) else parser
    features_Chw, source = _map_of(network, plain_answers(network, image_HWC, name=name))
    image_done()
    map_Chw = features_Chw.float().cpu().numpy()
    if not np.isfinite(map_Chw).all():
        raise BadInput(f"features must be finite, but got NaN or infinity in {name}; look at the parser's weights.")
    return DenseFeatures(map_Chw, source)


def _map_of(parser: SceneParser, answers: SceneAnswers) -> tuple[torch.Tensor, str]:
    for prediction in answers.predictions:
        if isinstance(prediction, SegmentSortingPrediction):
            return prediction.embedding_BDhw[0], "the embedding of segment_sorting"
        if isinstance(prediction, PyramidMaps):
            return next(iter(prediction.maps.values()))[0], "the finest map of the detector's pyramid"
    part = "path" if len(parser.path) else "backbone"
    return answers.features.last[0], f"the last map of the {part}, which its heads read"
