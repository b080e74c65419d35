"""A mask as COCO's compressed run lengths.

COCO writes each run length as its difference to the one before the last, five bits a letter, the lowest first: bit 6 of
a letter says that another one follows, and the topmost of the last five bits is the sign.
"""

import numpy as np

from mereo.data.run_lengths import run_lengths
from mereo.shapes import require_shapes

FIRST_LETTER, BITS, MORE = 48, 5, 32


def compressed_counts(mask_HW: np.ndarray) -> str:
    """
    >>> compressed_counts(np.array([[0, 1], [1, 1]], dtype=bool))
    '13'
    """
    require_shapes(mask_HW=mask_HW)
    difference_R = run_lengths(mask_HW).counts
    # The first three stand as they are, the third too: COCO's own way.
    difference_R = np.concatenate([difference_R[:3], difference_R[3:] - difference_R[1:-2]])
    num_letters_R = np.ones(len(difference_R), dtype=np.int64)
    while (is_longer_R := (difference_R >> (BITS * num_letters_R - 1) != difference_R >> 63)).any():
        num_letters_R += is_longer_R
    place_L = np.arange(int(num_letters_R.max()))
    letter_RL = difference_R[:, None] >> BITS * place_L & MORE - 1
    letter_RL += np.where(place_L < num_letters_R[:, None] - 1, MORE, 0) + FIRST_LETTER
    return letter_RL[place_L < num_letters_R[:, None]].astype(np.uint8).tobytes().decode("ascii")
