"""From one photograph to its Parse: working size, passes, labels at the photograph's size."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.assembly.segment_vectors import segment_vectors
from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.parser.asking.answering import answering, seen_size
from mereo.parser.asking.image_scores import image_scores, prepared_image
from mereo.parser.asking.perceptual_parsing import PerceptualAnswers, has_perceptual, perceptual_answers
from mereo.parser.asking.plain_labels import labels_of_answers, labels_of_image_scores
from mereo.parser.asking.tiled_parsing import TileSide, tile_side_for, tiled_labels
from mereo.parser.asking.tiled_things import AVERAGED, merged_in_words, tells_things_apart
from mereo.parser.familiarity import MAX_WHOLE_PIXELS, at_most, own_size, times_usual
from mereo.parser.last_hierarchy import last_hierarchy
from mereo.parser.preprocessing import working_size
from mereo.shapes import require_image

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


@torch.inference_mode()
def parse_image(
    parser: "SceneParser",
    image_HWC: np.ndarray,
    *,
    name: str = "image",
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    working_side: int | None = None,
    with_confidence: bool = False,
    tile: TileSide | None = None,
    ready: "SceneAnswers | None" = None,
) -> Parse:
    """All that a plain pass says comes from one: classes, instances, vectors, groups and the other tasks. With scales,
    `flip` or tiles it says nothing but groups and other tasks, and only if the parser has them; things are told apart
    in tiles, too, and with scales or `flip` alone there is a warning that they are not.

    `ready`: what the parser has already said about this image alone, at its working size, for a plain pass.
    """
    require_image(image_HWC, name=name)
    if not isinstance(scales, Iterable) or not (scales := tuple(scales)) or any(not 0 < s <= 8 for s in scales):
        raise BadInput(f"scales must be one or more numbers in (0, 8], but got {scales!r}; e.g. (0.75, 1.0, 1.25).")
    if working_side is not None and working_side < 1:
        raise BadInput(f"working_side must be at least 1 pixel, but got {working_side}; e.g. 480.")
    size = (image_HWC.shape[0], image_HWC.shape[1])
    working = seen_size(parser, image_HWC, working_side) if tile is None else working_size(size, working_side)
    side = None if tile is None else tile_side_for(working, tile)
    with answering(parser):
        answers, seen_at = None, working
        if side is not None:
            labels = tiled_labels(
                parser, image_HWC, working, tile=side, scales=scales, flip=flip, with_confidence=with_confidence
            )
        elif scales == (1.0,) and not flip:
            answers = ready or parser(prepared_image(parser, image_HWC, working))
            labels = labels_of_answers(parser, answers, size, with_confidence=with_confidence)
        else:
            found = image_scores(parser, image_HWC, working, scales, flip)
            labels = labels_of_image_scores(parser, found, size, with_confidence=with_confidence)
        if answers is None and (has_perceptual(parser) or parser.superpixel_wish is not None):
            # Which may be of any size: what needs the whole picture sees no more than this of it.
            seen_at = at_most(seen_size(parser, image_HWC, working_side), MAX_WHOLE_PIXELS)
            answers = parser(prepared_image(parser, image_HWC, seen_at))
        others = PerceptualAnswers()
        if answers is not None:
            others = perceptual_answers(answers, labels.semantic_HW, parser.taxonomy)
        hierarchy = None if answers is None else last_hierarchy(answers)
        groups = None if hierarchy is None else GroupedPhotograph.of(image_HWC, hierarchy)
        seen = answers.backbone_features if answers is not None and seen_at == own_size(parser, image_HWC) else None
        unfamiliarity, warnings = times_usual(parser, image_HWC, seen)
        if labels.instances_HW is None and tells_things_apart(parser):
            warnings = (*warnings, merged_in_words(AVERAGED))
    image_done()
    parse = Parse(
        image_HWC=image_HWC,
        semantic=labels.semantic_HW,
        taxonomy=parser.taxonomy,
        name=name,
        instances=labels.instances_HW,
        parts=others.parts_HW,
        materials=others.materials_HW,
        texture=others.texture_HW,
        scene=others.scene,
        image_texture=others.image_texture,
        answer_level=labels.level_HW,
        groups=groups,
        confidence=labels.confidence_HW,
        unfamiliarity=unfamiliarity,
        warnings=warnings,
    )
    if labels.sorted is None:
        return parse
    return replace(parse, vectors=segment_vectors(parse.segments, labels.sorted.vector_of, labels.sorted.vector_width))
