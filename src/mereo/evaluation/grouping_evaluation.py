"""How well a parser's groups agree with what people outlined, beside the tree of its superpixels' colours."""

from collections.abc import Callable

import numpy as np

from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of
from mereo.metrics.best_scale import GroupingQuality, ImageScores, grouping_quality, image_scores
from mereo.parser.answering import answering
from mereo.parser.grouping_answers import grouping_of
from mereo.parser.scene_parser import SceneParser
from mereo.regions.grouping_hierarchy import GroupRule

RULES: tuple[GroupRule, ...] = ("nearest", "product")


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
        with answering(parser):
            answers = grouping_of(parser, pixels_of(sample))
        for rule in RULES:
            of_parser = image_scores(answers.levels(rule=rule), annotators_AHW)
            of_colours = answers.merged_superpixels(of_parser.num_regions_L.tolist())
            scores.setdefault(f"by {rule}", []).append(of_parser)
            scores.setdefault(f"colours, as {rule}", []).append(image_scores(of_colours, annotators_AHW))
        if progress is not None:
            progress(index + 1, count)
    return {name: grouping_quality(of_images) for name, of_images in scores.items()}
