"""Which part a pixel shows, among the parts of its own object: the labels of unified perceptual parsing."""

import numpy as np

REST_INDEX = 0


def parts_of_owners(
    object_HW: np.ndarray, part_HW: np.ndarray, is_part_of_KP: np.ndarray, *, ignore_index: int
) -> np.ndarray:
    """Part map (H W int32): an object's own parts, "rest" (0) where it shows none of them, else ignored.

    An object counts as annotated where at least one of its parts is drawn on it in this picture: only then is a pixel
    without a part known to be rest. Parts drawn on an object that has no such part are rest as well.

    >>> is_part_of_KP = np.array([[False, True, False], [False, False, False]])  # Object 0 has part 1.
    >>> parts_of_owners(np.array([[0, 0, 1]]), np.array([[0, 1, 1]]), is_part_of_KP, ignore_index=255)
    array([[  0,   1, 255]], dtype=int32)
    """
    labelled_HW = np.full(object_HW.shape, ignore_index, dtype=np.int32)
    for owner in np.unique(object_HW):
        if not (owner < len(is_part_of_KP) and is_part_of_KP[owner].any()):
            continue
        is_owner_HW = object_HW == owner
        is_own_part_HW = is_owner_HW & is_part_of_KP[owner][part_HW]
        if is_own_part_HW.any():
            labelled_HW[is_owner_HW] = REST_INDEX
            labelled_HW[is_own_part_HW] = part_HW[is_own_part_HW]
    return labelled_HW
