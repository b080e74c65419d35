"""Which part each pixel is: the likeliest among the parts of its own object."""

import numpy as np
from torch import Tensor

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.data.part_slices import PartSlices


def parts_within_objects(
    logits_Khw: Tensor, semantic_HW: np.ndarray, slices: PartSlices, *, ignore_index: int
) -> np.ndarray:
    """Parts at the size of the object map (int32), as indices of the taxonomy's part table.

    `ignore_index` stands where the object has no parts; and for the rest of an object, if the table has no "rest".
    """
    size = (semantic_HW.shape[0], semantic_HW.shape[1])
    parts_HW = np.full(size, ignore_index, dtype=np.int32)
    present = np.bincount(semantic_HW.ravel(), minlength=slices.num_objects) > 0
    part_of_entry = np.array([ignore_index if part is None else part for part in slices.part_of_entry], dtype=np.int32)
    for owner, (start, stop) in zip(slices.owners, slices.spans):
        if present[owner]:
            entry_HW = labels_of_scores(logits_Khw[start:stop], size)
            is_owner_HW = semantic_HW == owner
            parts_HW[is_owner_HW] = part_of_entry[start:stop][entry_HW[is_owner_HW]]
    return parts_HW
