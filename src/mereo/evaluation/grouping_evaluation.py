"""How well a parser's groups agree with what people outlined, beside the tree of its superpixels' colours."""

from collections.abc import Callable

import numpy as np
import torch

from mereo.assembly.grouped_photograph import RULES, GroupedPhotograph
from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of
from mereo.features.stage import SuperpixelWish
from mereo.freed_memory import image_done
from mereo.metrics.best_scale import GroupingQuality, ImageScores, grouping_quality, image_scores
from mereo.parser.asking.answering import plain_answers, seen_size
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.last_hierarchy import required_hierarchy
from mereo.parser.scene_parser import SceneParser
from mereo.regions.grouping_hierarchy import GroupRule
from mereo.regions.nearest_places import at_size
from mereo.regions.superpixels import superpixel_hierarchy


def evaluate_grouping(
    parser: SceneParser,
    samples: Samples,
    *,
    num_images: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, GroupingQuality]:
    """For each rule that says which group a superpixel belongs to, the levels "by RULE", and "colours, as RULE": the
    superpixels' own tree (Ward's, of colours alone) cut at the same numbers of regions, picture by picture.

    Every sample must have annotators. Plain passes; memory holds one image.
    """
    count = len(samples) if num_images is None else min(num_images, len(samples))
    if count < 1:
        raise BadInput(f"samples must hold at least one image, but got {count}; check folder and split.")
    scores: dict[str, list[ImageScores]] = {}
    for index in range(count):
        sample = samples[index]
        if sample.annotators_AHW is None:
            raise BadInput(f"every sample must have annotators, but got none in {sample.name}; use annotated data.")
        annotators_AHW = np.asarray(sample.annotators_AHW)
        image_HWC = pixels_of(sample)
        photograph = GroupedPhotograph.of(image_HWC, required_hierarchy(plain_answers(parser, image_HWC)))
        for rule in RULES:
            of_parser = image_scores(groups_on_pixels(photograph, rule=rule), annotators_AHW)
            of_colours = merged_by_colour(parser, image_HWC, of_parser.num_regions_L.tolist())
            scores.setdefault(f"by {rule}", []).append(of_parser)
            scores.setdefault(f"colours, as {rule}", []).append(image_scores(of_colours, annotators_AHW))
        image_done()
        if progress is not None:
            progress(index + 1, count)
    return {name: grouping_quality(of_images) for name, of_images in scores.items()}


def groups_on_pixels(photograph: GroupedPhotograph, *, rule: GroupRule) -> np.ndarray:
    """L H W at the photograph's size: the superpixels, then the group of every pixel, level by level."""
    levels = range(1, photograph.num_levels + 1)
    return np.stack([photograph.on_pixels(photograph.group_of_superpixel(level, rule=rule)) for level in levels])


def merged_by_colour(parser: SceneParser, image_HWC: np.ndarray, numbers: list[int]) -> np.ndarray:
    """The same for the superpixels' own tree of colours, of the picture as the parser sees it, cut at most at these
    numbers of regions."""
    size = (image_HWC.shape[0], image_HWC.shape[1])
    seen_13HW = prepared_image(parser, image_HWC, seen_size(parser, image_HWC))
    seen_HW3 = seen_13HW[0].clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    method = (parser.superpixel_wish or SuperpixelWish()).method
    maps = superpixel_hierarchy(seen_HW3, numbers, method=method)
    return np.stack([at_size(label_hw, size) for label_hw in maps])
