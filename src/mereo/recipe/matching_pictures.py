"""What concept tokens have learned so far, on one validation image: drawn whenever a run is scored."""

import numpy as np

from mereo.data.sample import Sample
from mereo.drawing.matching_picture import draw_matching_with_labels
from mereo.evaluation.evaluate import pixels_of
from mereo.freed_memory import image_done
from mereo.parser.asking.answering import plain_answers
from mereo.parser.objective import Objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.terms.concept_terms import ConceptRegionsTerm
from mereo.parser.token_weights import concept_weights


def matching_pictures(parser: SceneParser, objective: Objective, sample: Sample) -> dict[str, np.ndarray]:
    """By name; none where no loss on concept regions trains. The parser must be in evaluation mode."""
    terms = [term for term in objective.terms.values() if isinstance(term, ConceptRegionsTerm)]
    if not terms or sample.semantic_HW is None:
        return {}
    concept_BKhw = concept_weights(plain_answers(parser, pixels_of(sample)))
    if concept_BKhw is None or not concept_BKhw.isfinite().all():  # Nothing to match: a picture ends no run.
        return {}
    picture_HWC = draw_matching_with_labels(
        pixels_of(sample),
        concept_BKhw[0].float().cpu().numpy(),
        np.asarray(sample.semantic_HW),
        class_names=parser.taxonomy.object_names,
        loss=terms[0].loss,
    )
    image_done()
    return {"concepts_of_components": picture_HWC}
