"""Two branches: what a detector found, laid on what a semantic parser says. The usual way to a panoptic answer.

Kirillov, Girshick, He, Dollar 2019, "Panoptic feature pyramid networks", section 4.1, after Kirillov et al. 2019,
"Panoptic segmentation", section 6; the baseline that segment sorting is compared with.
"""

from dataclasses import replace

import numpy as np

from mereo.assembly.parse import NotToldApart, Parse
from mereo.data.instances import Instances, thing_indices
from mereo.errors import BadInput


def with_instances(
    parse: Parse,
    found: Instances,
    *,
    least_score: float = 0.5,
    least_kept_share: float = 0.5,
    least_stuff_pixels: int = 0,
) -> Parse:
    """Things in order of their score: each takes what no better one has, if that is enough of it.

    Its pixels get its class, whatever the parse said there. A pixel that the parse gave a thing, but no instance took,
    keeps its class and belongs to none. Stuff on fewer than `least_stuff_pixels` becomes the class of stuff that covers
    most: a parse has no void.

    What was said of the parse's own classes goes: confidence, vectors, parts, levels, that things were not told apart.
    """
    if found.size != parse.size:
        raise BadInput(
            f"instances must have the parse's size {parse.size[1]}x{parse.size[0]}, but got "
            f"{found.size[1]}x{found.size[0]} in {parse.name}; detect in the same photograph."
        )
    things = thing_indices(parse.taxonomy)
    semantic_HW = parse.semantic.copy()
    instances_HW = np.zeros(parse.size, dtype=np.int32)
    number = 0
    for one in np.argsort(-found.score_N, kind="stable"):
        if found.score_N[one] < least_score:
            break  # No later one is better, and a mask takes as long to decode as the picture is large.
        mask_HW = found.masks[one].mask_HW()
        free_HW = mask_HW & (instances_HW == 0)
        if not free_HW.any() or free_HW.sum() < least_kept_share * mask_HW.sum():
            continue
        number += 1
        instances_HW[free_HW] = number
        semantic_HW[free_HW] = things[found.label_N[one]]
    is_stuff_K = ~np.array(parse.taxonomy.is_thing, dtype=bool)
    area_K = np.bincount(semantic_HW.ravel(), minlength=len(is_stuff_K)) * is_stuff_K
    is_small_K = (area_K > 0) & (area_K < least_stuff_pixels)
    if is_small_K.any() and not is_small_K[area_K.argmax()]:
        semantic_HW[is_small_K[semantic_HW]] = area_K.argmax()
    return replace(
        parse,
        semantic=semantic_HW,
        instances=instances_HW,
        confidence=None,
        vectors=None,
        parts=None,
        answer_level=None,
        warnings=tuple(one for one in parse.warnings if not isinstance(one, NotToldApart)),
    )
