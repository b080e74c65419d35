"""From one photograph to its Parse: working size, scores, labels at the photograph's size."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mereo.assembly.level_answers import on_pixels
from mereo.assembly.parse import Parse
from mereo.assembly.segment_vectors import segment_vectors
from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.parser.answering import answering
from mereo.parser.image_scores import image_scores
from mereo.parser.preprocessing import working_size
from mereo.parser.segment_parsing import segment_rule_of, segmented_image
from mereo.parser.sorting_parsing import sorted_image, sorts_segments
from mereo.parser.tiled_parsing import TileSide, tile_side_for, tiled_labels
from mereo.shapes import require_image

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser


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
) -> Parse:
    require_image(image_HWC, name=name)
    if not isinstance(scales, Iterable) or not (scales := tuple(scales)) or any(not 0 < s <= 8 for s in scales):
        raise BadInput(f"scales must be one or more numbers in (0, 8], but got {scales!r}; e.g. (0.75, 1.0, 1.25).")
    if working_side is not None and working_side < 1:
        raise BadInput(f"working_side must be at least 1 pixel, but got {working_side}; e.g. 480.")
    size = (image_HWC.shape[0], image_HWC.shape[1])
    working = working_size(size, working_side or (None if tile is not None else parser.preprocessing.working_side))
    side = None if tile is None else tile_side_for(working, tile)
    is_plain = side is None and scales == (1.0,) and not flip
    rule = segment_rule_of(parser) if is_plain else None  # Queries of different passes are not the same segments.
    with answering(parser):
        confidence = instances = level = sorted_one = None
        if is_plain and sorts_segments(parser):
            sorted_one = sorted_image(parser, image_HWC, working, with_confidence=with_confidence)
            semantic, instances, confidence = sorted_one.semantic_HW, sorted_one.instances_HW, sorted_one.confidence_HW
        elif rule is not None:
            segmented = segmented_image(parser, image_HWC, working, rule, with_confidence=with_confidence)
            semantic, instances, confidence = segmented.semantic_HW, segmented.instances_HW, segmented.confidence_HW
        elif side is not None:
            semantic, confidence = tiled_labels(
                parser, image_HWC, working, tile=side, scales=scales, flip=flip, with_confidence=with_confidence
            )
        else:
            found = image_scores(parser, image_HWC, working, scales, flip)
            level = None if found.level_hw is None else on_pixels(found.level_hw.cpu().numpy().astype(np.uint8), size)
            if with_confidence:
                semantic, confidence = labels_of_scores(
                    found.scores_Khw,
                    size,
                    with_confidence=True,
                    are_logits=not found.are_probabilities,
                    temperature=parser.temperature,
                )
            else:
                semantic = labels_of_scores(found.scores_Khw, size, are_logits=not found.are_probabilities)
    image_done()
    parse = Parse(
        image_HWC=image_HWC,
        semantic=semantic,
        taxonomy=parser.taxonomy,
        name=name,
        instances=instances,
        answer_level=level,
        confidence=confidence,
    )
    if sorted_one is None:
        return parse
    vectors = segment_vectors(parse.segments, sorted_one.vector_of, sorted_one.vector_width)
    return replace(parse, vectors=vectors)
