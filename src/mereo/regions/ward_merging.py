"""Ward's merging: neighbouring regions join, those first whose union raises the variance of colours least.

Ward 1963, "Hierarchical grouping to optimize an objective function". One tree holds every number of regions.
"""

from collections.abc import Sequence

import cc3d
import numpy as np

from mereo.shapes import require_shapes


def merged_regions(label_HW: np.ndarray, colour_HWC: np.ndarray, numbers: Sequence[int]) -> list[np.ndarray]:
    """For each number a label map of at most so many regions, 4-connected all. A smaller number joins whole regions of
    a larger one: they are cuts of one tree. What is no more than asked for stays as it is.

    >>> label_HW, colour_HWC = np.array([[0, 1, 2]]), np.array([[[0.0], [0.1], [9.0]]])
    >>> two_HW, one_HW = merged_regions(label_HW, colour_HWC, [2, 1])
    >>> (two_HW == two_HW[0, 0]).tolist(), (one_HW == one_HW[0, 0]).tolist()
    ([[True, True, False]], [[True, True, True]])
    """
    require_shapes(label_HW=label_HW, colour_HWC=colour_HWC)
    # A provider may call two pieces that do not touch by one name.
    piece_HW = cc3d.connected_components(label_HW.astype(np.uint32) + 1, connectivity=4).astype(np.int32) - 1
    pixels_R = np.bincount(piece_HW.ravel())
    if all(number >= len(pixels_R) for number in numbers):
        return [piece_HW for _ in numbers]
    sums_CR = [np.bincount(piece_HW.ravel(), weights=one_HW.ravel()) for one_HW in np.moveaxis(colour_HWC, 2, 0)]
    group_NR = _ward_cuts(_touching(piece_HW), np.stack(sums_CR, axis=1) / pixels_R[:, None], pixels_R, numbers)
    return [group_R[piece_HW] for group_R in group_NR]


def _touching(label_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of regions that share a side of a pixel, once."""
    num_regions, keys = int(label_HW.max()) + 1, []
    for first, second in ((label_HW[:, :-1], label_HW[:, 1:]), (label_HW[:-1], label_HW[1:])):
        differs = first != second
        one, other = first[differs].astype(np.int64), second[differs].astype(np.int64)
        keys.append(np.minimum(one, other) * num_regions + np.maximum(one, other))
    lower, higher = np.divmod(np.unique(np.concatenate(keys)), num_regions)
    return lower, higher


def _ward_cuts(
    edges: tuple[np.ndarray, np.ndarray], mean_RC: np.ndarray, pixels_R: np.ndarray, numbers: Sequence[int]
) -> list[np.ndarray]:
    """For each number the group of every region."""
    import higra  # Takes a while to load: who needs no superpixels must not wait for it.

    graph = higra.UndirectedGraph(len(pixels_R))
    graph.add_edges(*edges)
    tree, heights = higra.binary_partition_tree_ward_linkage(graph, mean_RC, pixels_R.astype(np.float64))
    cuts = higra.HorizontalCutExplorer(tree, heights)
    alone_R = np.arange(len(pixels_R))
    return [
        alone_R
        if number >= len(pixels_R)
        else cuts.horizontal_cut_from_num_regions(number, at_least=False).labelisation_leaves(tree)
        for number in numbers
    ]
