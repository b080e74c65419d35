"""How a parser answers near borders, and how the levels of its pyramid share the work, over a data set."""

from collections.abc import Callable

import numpy as np

from mereo.assembly.level_answers import LevelAnswers
from mereo.data.sample import Sample, Samples
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import AnyParser, pixels_of, require_same_classes, semantic_labels
from mereo.evaluation.level_measures import LevelMeasures, PyramidCounts
from mereo.metrics.boundary_band import boundary_band
from mereo.metrics.confusion import confusion_matrix, region_counts
from mereo.metrics.level_counts import level_counts
from mereo.parser.asking.answering import answering
from mereo.parser.asking.pyramid_levels import has_levels, level_answers_of
from mereo.parser.scene_parser import SceneParser
from mereo.regions.nearest_places import at_size


def evaluate_levels(
    parser: AnyParser, samples: Samples, *, progress: Callable[[int, int], None] | None = None
) -> LevelMeasures:
    """Plain passes over every sample; memory holds one image and counts.

    Any parser is measured near borders; one with a pyramid is also asked what each of its levels says.
    """
    require_same_classes(parser.taxonomy, samples.taxonomy)
    num_classes, ignore_index = samples.taxonomy.num_objects, samples.taxonomy.ignore_index
    all_K3, band_K3 = (np.zeros((num_classes, 3), dtype=np.int64) for _ in range(2))
    pyramid: PyramidCounts | None = None
    for sample in each_sample(samples, progress):
        label_HW = semantic_labels(sample)
        predicted_HW = np.asarray(parser.parse(pixels_of(sample), name=sample.name, scales=(1.0,), flip=False).semantic)
        of_all_KK = confusion_matrix(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
        all_K3 += region_counts(of_all_KK)
        is_near_HW = boundary_band(label_HW, ignore_index=ignore_index)
        near_HW = np.where(is_near_HW, label_HW, ignore_index)
        of_band_KK = confusion_matrix(near_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
        band_K3 += region_counts(of_band_KK)
        if isinstance(parser, SceneParser) and has_levels(parser):
            pyramid = _added(pyramid, _of_pyramid(parser, sample, num_classes, ignore_index))
    return LevelMeasures(
        class_names=tuple(samples.taxonomy.object_names),
        num_images=len(samples),
        all_counts_K3=all_K3,
        band_counts_K3=band_K3,
        pyramid=pyramid,
    )


def _of_pyramid(parser: SceneParser, sample: Sample, num_classes: int, ignore_index: int) -> PyramidCounts:
    with answering(parser):
        found: LevelAnswers = level_answers_of(parser, pixels_of(sample))
    label_HW = semantic_labels(sample)
    size = (label_HW.shape[0], label_HW.shape[1])
    level_HW = at_size(found.level_hw, size)
    counts_LLK3 = level_counts(
        label_HW, level_HW, found.classes_on(size), num_classes=num_classes, ignore_index=ignore_index
    )
    return PyramidCounts(
        cell_sizes=found.cell_sizes,
        counts_LLK3=counts_LLK3,
        pixels_L=np.bincount(level_HW.ravel(), minlength=found.num_levels),
        cells_L=np.array(found.speaking_cells, dtype=np.int64),
        finest_cells=found.level_hw.size,
    )


def _added(before: PyramidCounts | None, of_image: PyramidCounts) -> PyramidCounts:
    if before is None:
        return of_image
    return PyramidCounts(
        cell_sizes=before.cell_sizes,
        counts_LLK3=before.counts_LLK3 + of_image.counts_LLK3,
        pixels_L=before.pixels_L + of_image.pixels_L,
        cells_L=before.cells_L + of_image.cells_L,
        finest_cells=before.finest_cells + of_image.finest_cells,
    )
