"""Vectors in memory, cell by cell, so that a search looks at few of them: for a process that searches again and again.

Each class is cut into cells of about a thousand vectors around k-means centres on the unit sphere. A search opens the
cells nearest to the query until it has seen enough vectors; within a class that has no more than that, it is exact.
The cells are made when an index is opened and kept nowhere, so they cannot part from its rows. Measured beside
LanceDB's own index and a product with all vectors: `mereo bench retrieval`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mereo.shapes import require_shapes

ROWS_IN_CELL = 1000
# What a search compares with at least, and the share of all rows that it does where there are more.
LEAST_SEEN, SEEN_SHARE = 20_000, 0.04
ITERATIONS, SAMPLES_A_CELL = 6, 48
ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class VectorCells:
    """`row_N` says which of the vectors that were given stands where; cell c has `start_C1[c]` up to the next start,
    class k the cells from `cell_of_class_K1[k]` up to the next."""

    vector_ND: np.ndarray
    row_N: np.ndarray
    centre_CD: np.ndarray
    start_C1: np.ndarray
    cell_of_class_K1: np.ndarray

    def nearest(
        self,
        query_D: np.ndarray,
        *,
        top: int,
        class_index: int | None = None,
        is_left_out_N: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and cosines of the `top` nearest, nearest first. `is_left_out_N` is about the vectors as given."""
        cosine_N, place_N = [np.zeros(0, np.float32)], [np.zeros(0, np.intp)]
        num_seen, enough = 0, max(LEAST_SEEN, top, SEEN_SHARE * len(self.vector_ND))
        for start, end in self._runs(query_D, class_index, enough):
            place_n = np.arange(start, end)
            cosine_n = self.vector_ND[start:end] @ query_D
            if is_left_out_N is not None:
                is_kept_n = ~is_left_out_N[self.row_N[place_n]]
                place_n, cosine_n = place_n[is_kept_n], cosine_n[is_kept_n]
            place_N.append(place_n)
            cosine_N.append(cosine_n)
            num_seen += len(place_n)
            if num_seen >= enough:
                break
        cosine_n, place_n = np.concatenate(cosine_N), np.concatenate(place_N)
        if len(cosine_n) > top:
            nearest = np.argpartition(-cosine_n, top - 1)[:top]
            cosine_n, place_n = cosine_n[nearest], place_n[nearest]
        row_n = self.row_N[place_n]
        order = np.lexsort((row_n, -cosine_n))  # Of equal ones the first row first.
        return row_n[order], cosine_n[order]

    def _runs(self, query_D: np.ndarray, class_index: int | None, enough: float) -> Iterator[tuple[int, int]]:
        """From where to where the vectors of each cell stand, the nearest cell first; few vectors are one run."""
        first, last = 0, len(self.centre_CD)
        if class_index is not None:
            is_known = 0 <= class_index < len(self.cell_of_class_K1) - 1
            first, last = self.cell_of_class_K1[class_index : class_index + 2].tolist() if is_known else (0, 0)
        start, end = int(self.start_C1[first]), int(self.start_C1[last])
        if end - start <= enough:
            yield start, end
            return
        for cell in first + np.argsort(-(self.centre_CD[first:last] @ query_D)):
            yield int(self.start_C1[cell]), int(self.start_C1[cell + 1])


def vector_cells(vector_ND: np.ndarray, class_index_N: np.ndarray, num_classes: int) -> VectorCells:
    """Cells of unit vectors, class by class. Equal vectors give equal cells: what is drawn is drawn from a fixed seed.

    >>> cells = vector_cells(np.eye(4, dtype=np.float32), np.array([1, 0, 1, 1]), 2)
    >>> row_n, cosine_n = cells.nearest(np.array([0, 0, 0.6, 0.8], np.float32), top=2)
    >>> row_n.tolist(), cells.nearest(np.eye(4)[1], top=9, class_index=0)[0].tolist()
    ([3, 2], [1])
    """
    require_shapes(vector_ND=vector_ND, class_index_N=class_index_N)
    order_N = np.argsort(class_index_N, kind="stable")
    class_start_K1 = np.searchsorted(class_index_N[order_N], np.arange(num_classes + 1))
    sorted_ND = np.empty(vector_ND.shape, dtype=np.float32)
    row_N = np.empty(len(vector_ND), dtype=np.intp)
    centres, starts, cell_of_class = [np.zeros((0, vector_ND.shape[1]), np.float32)], [], [0]
    for start, end in zip(class_start_K1[:-1], class_start_K1[1:]):
        rows_n = order_N[start:end]
        cell_n, centre_cD = _cells_of_class(vector_ND[rows_n])
        by_cell_n = np.argsort(cell_n, kind="stable")
        row_N[start:end] = rows_n[by_cell_n]
        sorted_ND[start:end] = vector_ND[row_N[start:end]]
        starts.append(start + np.searchsorted(cell_n[by_cell_n], np.arange(len(centre_cD))))
        centres.append(centre_cD)
        cell_of_class.append(cell_of_class[-1] + len(centre_cD))
    start_C1 = np.concatenate([*starts, [len(vector_ND)]]).astype(np.intp)
    return VectorCells(sorted_ND, row_N, np.concatenate(centres), start_C1, np.array(cell_of_class))


def _cells_of_class(vector_nD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cell of each vector, and the centres; no cell is empty."""
    num_cells = -(-len(vector_nD) // ROWS_IN_CELL)
    if num_cells <= 1:
        return np.zeros(len(vector_nD), dtype=np.intp), _directions(vector_nD.sum(axis=0, keepdims=True)[:num_cells])
    random = np.random.default_rng(0)
    sample_nD = vector_nD[random.choice(len(vector_nD), min(len(vector_nD), SAMPLES_A_CELL * num_cells), replace=False)]
    centre_cD = sample_nD[:num_cells].copy()
    for _ in range(ITERATIONS):
        cell_n = _nearest_centre(sample_nD, centre_cD)
        sum_cD = np.zeros_like(centre_cD)
        np.add.at(sum_cD, cell_n, sample_nD)
        is_used_c = np.bincount(cell_n, minlength=num_cells) > 0
        centre_cD[is_used_c] = _directions(sum_cD[is_used_c])
    used, cell_n = np.unique(_nearest_centre(vector_nD, centre_cD), return_inverse=True)
    return cell_n, centre_cD[used]


def _nearest_centre(vector_nD: np.ndarray, centre_cD: np.ndarray) -> np.ndarray:
    parts = (vector_nD[start : start + ROWS_AT_ONCE] for start in range(0, len(vector_nD), ROWS_AT_ONCE))
    return np.concatenate([(part_nD @ centre_cD.T).argmax(axis=1) for part_nD in parts])


def _directions(sum_cD: np.ndarray) -> np.ndarray:
    """A sum of opposite vectors points nowhere: it stays 0, and its cell is opened in the middle."""
    length_c1 = np.linalg.norm(sum_cD, axis=1, keepdims=True)
    return (sum_cD / np.where(length_c1 > 0, length_c1, 1)).astype(np.float32)
