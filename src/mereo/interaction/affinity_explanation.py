"""Why regions of one picture are what they are: who supported and who suppressed whom (class affinity)."""

from dataclasses import dataclass

import numpy as np
import torch

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.image_scores import scores_of
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.affinity_influences import RegionInfluences, influences
from mereo.reasoning.class_affinity import AffinityEvidence, ClassAffinity
from mereo.shapes import require_point


@dataclass(frozen=True, eq=False)
class AffinityExplanation:
    """Labels are at the photograph's size. Regions are those of the coarse answer, the largest first."""

    image_HWC: np.ndarray
    coarse_HW: np.ndarray
    refined_HW: np.ndarray
    regions: tuple[RegionInfluences, ...]
    taxonomy: Taxonomy

    @property
    def changed_HW(self) -> np.ndarray:
        return self.coarse_HW != self.refined_HW

    def region_at(self, x: int, y: int) -> RegionInfluences:
        require_point(x, y, self.coarse_HW.shape)
        wanted = int(self.coarse_HW[y, x])
        # A sliver of the enlarged answer may belong to no cell of the small one.
        return next((one for one in self.regions if one.class_index == wanted), RegionInfluences(wanted, 0.0, (), ()))


@torch.inference_mode()
def explain_affinity(parser: SceneParser, image_HWC: np.ndarray) -> AffinityExplanation:
    """The first class_affinity stage of the parser, asked about one photograph in one pass."""
    stages = parser.stages_of(ClassAffinity)
    if not stages:
        raise BadInput(
            "a parser must have a class_affinity stage to explain affinities, but got one without; train e.g. "
            "recipes/drawn_affinity.yaml, which needs no data, and name its run folder."
        )
    size = (image_HWC.shape[0], image_HWC.shape[1])
    answers = plain_answers(parser, image_HWC)
    evidence = answers.evidence_of(AffinityEvidence)[0]
    refined = scores_of(answers)
    explanation = AffinityExplanation(
        image_HWC=image_HWC,
        coarse_HW=labels_of_scores(evidence.coarse_logits_BKHW[0].float(), size),
        refined_HW=labels_of_scores(refined.scores_Khw, size, are_logits=not refined.are_probabilities),
        regions=influences(stages[0], evidence),
        taxonomy=parser.taxonomy,
    )
    image_done()
    return explanation
