"""A photograph in thousands of small pieces: the watershed of its gradient.

Meyer and Beucher 1990, "Morphological segmentation"; on a graph of pixels as in Cousty et al. 2009, "Watershed cuts".
"""

import numpy as np


def watershed_pieces(colour_HW3: np.ndarray) -> np.ndarray:
    """H W: one 4-connected piece for each minimum of the gradient."""
    import higra  # Takes a while to load: who needs no superpixels must not wait for it.

    size = colour_HW3.shape[:2]
    if size == (1, 1):
        return np.zeros(size, dtype=np.int32)  # A graph without an edge has no watershed.
    graph = higra.get_4_adjacency_graph(size)
    steepness_P = gradient_magnitude(colour_HW3).ravel().astype(np.float64)
    edge_weights = higra.weight_graph(graph, steepness_P, higra.WeightFunction.mean)
    return np.asarray(higra.labelisation_watershed(graph, edge_weights)).reshape(size)


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
