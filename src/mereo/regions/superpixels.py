"""Superpixels: a photograph in at most so many connected pieces, whose borders follow the picture's.

A watershed of the gradient gives thousands of small pieces. Neighbours are then merged greedily, those first whose
union raises the variance of colours least (Ward 1963, "Hierarchical grouping to optimize an objective function").
"""

from typing import Literal

import numpy as np
from scipy import ndimage

from mereo.errors import BadInput
from mereo.shapes import require_image

Method = Literal["watershed"]
SMOOTHING = 0.8  # Standard deviation in pixels, before differences are taken.


def superpixels(image_HW3: np.ndarray, *, max_regions: int = 512, method: Method = "watershed") -> np.ndarray:
    """H W int32: regions 0, 1, ... in the order of their first pixels, at most `max_regions`, each 4-connected.

    >>> image_HW3 = np.zeros((4, 8, 3), dtype=np.uint8)
    >>> image_HW3[:, 4:] = 255
    >>> superpixels(image_HW3, max_regions=2)[0].tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    require_image(image_HW3)
    if max_regions < 1:
        raise BadInput(f"max_regions must be at least 1, but got {max_regions}; e.g. 512.")
    if method != "watershed":
        raise BadInput(f"the method of superpixels must be watershed, but got {method!r:.80}; leave it out.")
    return in_raster_order(_merged_watershed(image_HW3, max_regions))


def in_raster_order(label_HW: np.ndarray) -> np.ndarray:
    """Regions renamed 0, 1, ... by their first pixel, row by row: whatever a provider called them.

    >>> in_raster_order(np.array([[7, 7, 3], [9, 3, 3]])).tolist()
    [[0, 0, 1], [2, 1, 1]]
    """
    _, first, number_P = np.unique(label_HW.ravel(), return_index=True, return_inverse=True)
    name = np.empty(len(first), dtype=np.int32)
    name[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return name[number_P.reshape(label_HW.shape)]


def gradient_magnitude(colour_HWC: np.ndarray) -> np.ndarray:
    """H W: the root of summed squared differences to the four neighbours, over all colours."""
    square_HW = np.zeros(colour_HWC.shape[:2], dtype=colour_HWC.dtype)
    along_columns = np.square(np.diff(colour_HWC, axis=1)).sum(axis=2)
    along_rows = np.square(np.diff(colour_HWC, axis=0)).sum(axis=2)
    square_HW[:, :-1] += along_columns
    square_HW[:, 1:] += along_columns
    square_HW[:-1] += along_rows
    square_HW[1:] += along_rows
    return np.sqrt(square_HW)


def _merged_watershed(image_HW3: np.ndarray, max_regions: int) -> np.ndarray:
    import higra  # Takes a while to load: who needs no superpixels must not wait for it.

    size = image_HW3.shape[:2]
    if size == (1, 1):
        return np.zeros(size, dtype=np.int32)
    # The root makes steps in the dark as large as the eye sees them.
    colour_HW3 = ndimage.gaussian_filter(np.sqrt(image_HW3.astype(np.float32) / 255), (SMOOTHING, SMOOTHING, 0))
    graph = higra.get_4_adjacency_graph(size)
    steepness = gradient_magnitude(colour_HW3).ravel().astype(np.float64)
    edge_weights = higra.weight_graph(graph, steepness, higra.WeightFunction.mean)
    small_P = higra.labelisation_watershed(graph, edge_weights)
    regions = higra.make_region_adjacency_graph_from_labelisation(graph, small_P)
    if regions.num_vertices() <= max_regions:
        return np.asarray(small_P).reshape(size)
    colour_P3 = colour_HW3.reshape(-1, 3).astype(np.float64)
    mean_R3 = higra.rag_accumulate_on_vertices(regions, higra.Accumulators.mean, colour_P3)
    pixels_R = higra.rag_accumulate_on_vertices(regions, higra.Accumulators.sum, np.ones(len(colour_P3)))
    tree, heights = higra.binary_partition_tree_ward_linkage(regions, mean_R3, pixels_R)
    merged_P = higra.labelisation_horizontal_cut_from_num_regions(tree, heights, max_regions, mode="at_most")
    return np.asarray(merged_P).reshape(size)
