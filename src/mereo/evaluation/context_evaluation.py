"""Context error of any parser: do the things that it sees as alike stand among the same classes?

"Contextual image parsing via panoptic segment sorting" (PSS), section 4.2. The things, their boxes and what surrounds
them are the true ones, whatever the parser answers, so that parsers of any kind are asked the same: only the vectors
are theirs. The vector of a thing is the mean over its true pixels of the parser's dense features, of length 1.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from mereo.data.component_instances import InstanceSource
from mereo.data.instances import thing_indices
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.evaluation.context_measures import ContextMeasures, class_contexts
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import pixels_of, require_same_classes, semantic_labels
from mereo.evaluation.panoptic_evaluation import labelled_panoptic
from mereo.metrics.context_error import NUM_REGIONS, mean_context_error, surroundings
from mereo.metrics.neighbour_context import NEIGHBOURS, neighbour_context_errors
from mereo.parser.dense_features import dense_features
from mereo.parser.scene_parser import SceneParser
from mereo.parser.two_branches import TwoBranches
from mereo.regions.segment_means import mean_over_segments

NO_THING = -1


def evaluate_context(
    parser: SceneParser | TwoBranches,
    samples: Samples,
    *,
    instances: InstanceSource = "labelled",
    neighbours: int = NEIGHBOURS,
    progress: Callable[[int, int], None] | None = None,
) -> ContextMeasures:
    """The mean over the queries of a class, then over the classes. Memory holds one image, and a vector and eight
    distributions of classes a thing."""
    taxonomy = samples.taxonomy
    require_same_classes(parser.taxonomy, taxonomy)
    things = thing_indices(taxonomy)
    started, source = time.perf_counter(), ""
    vectors, classes, shares, insides = [], [], [], []
    for sample in each_sample(samples, progress):
        features = dense_features(parser, pixels_of(sample), name=sample.name)
        source = features.source
        thing_HW, class_N = true_things(sample, taxonomy, instances=instances)
        share_N8K, is_inside_N8 = surroundings_of_things(sample, thing_HW, len(class_N), taxonomy)
        vectors.append(_of_length_1(mean_over_segments(features.map_Chw, thing_HW, len(class_N))))
        classes.append(class_N)
        shares.append(share_N8K)
        insides.append(is_inside_N8)
    class_N = np.concatenate(classes)
    error_N = neighbour_context_errors(
        np.concatenate(vectors), class_N, np.concatenate(shares), np.concatenate(insides), neighbours=neighbours
    )
    errors = mean_context_error(error_N.tolist(), class_N.tolist(), taxonomy.num_objects)
    instances_K = np.bincount(class_N, minlength=taxonomy.num_objects)
    return ContextMeasures(
        error=None if np.isnan(errors.mean) else errors.mean,
        instances=instances,
        neighbours=neighbours,
        features=source,
        num_images=len(samples),
        seconds=round(time.perf_counter() - started, 3),
        classes=class_contexts(tuple(taxonomy.object_names), things, instances_K, errors, neighbours=neighbours),
    )


def true_things(
    sample: Sample, taxonomy: Taxonomy, *, instances: InstanceSource = "labelled"
) -> tuple[np.ndarray, np.ndarray]:
    """`thing_HW` (0, 1, ... and `NO_THING`) and the class of each: the very things that panoptic quality counts."""
    panoptic = labelled_panoptic(sample, taxonomy, instances=instances)
    chosen = [segment for segment in panoptic.segments if taxonomy.is_thing[segment.class_index]]
    number_of_id = np.full(int(panoptic.ids_HW.max(initial=0)) + 1, NO_THING)
    number_of_id[[segment.id for segment in chosen]] = np.arange(len(chosen))
    return number_of_id[panoptic.ids_HW], np.array([segment.class_index for segment in chosen], dtype=np.int64)


def surroundings_of_things(
    sample: Sample, thing_HW: np.ndarray, num_things: int, taxonomy: Taxonomy
) -> tuple[np.ndarray, np.ndarray]:
    """Of the true class map, around the true boxes."""
    label_HW, num_classes = semantic_labels(sample), taxonomy.num_objects
    share_N8K = np.zeros((num_things, NUM_REGIONS, num_classes))
    is_inside_N8 = np.zeros((num_things, NUM_REGIONS), dtype=bool)
    for thing, (ys, xs) in enumerate(ndimage.find_objects(thing_HW + 1, max_label=num_things)):
        box_yxyx = (ys.start, xs.start, ys.stop, xs.stop)
        share_N8K[thing], is_inside_N8[thing] = surroundings(
            label_HW, box_yxyx, num_classes, ignore_label=taxonomy.ignore_index
        )
    return share_N8K, is_inside_N8


def _of_length_1(mean_NC: np.ndarray) -> np.ndarray:
    """Features that are all 0 point nowhere, and stay so: they are equally far from all."""
    length_N1 = np.linalg.norm(mean_NC, axis=1, keepdims=True)
    return np.divide(mean_NC, length_N1, out=np.zeros_like(mean_NC), where=length_N1 > 0)
