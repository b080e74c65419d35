"""Superpixels of scikit-image, for comparison: SLIC and Felzenszwalb's. An extra: `pip install "mereo[superpixels]"`.

Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods"; Felzenszwalb and Huttenlocher
2004, "Efficient graph-based image segmentation". Neither promises a number of regions, nor 4-connected ones.
"""

from typing import Any

import numpy as np

from mereo.errors import BadEnvironment

SLIC_COMPACTNESS = 10.0
# Finer than what is wanted in the end: with the defaults (1, 20) as well, but then merging does nearly all of the work.
FELZENSZWALB_SCALE, FELZENSZWALB_SMALLEST = 50.0, 20


def slic_pieces(image_HW3: np.ndarray, *, about: int) -> np.ndarray:
    """H W: about so many pieces (on a grid, so often fewer) that are compact and of one colour."""
    if min(image_HW3.shape[:2]) < 2:
        return np.arange(image_HW3.shape[0] * image_HW3.shape[1]).reshape(image_HW3.shape[:2])
    pieces_HW = _segmentation("slic").slic(
        image_HW3, n_segments=about, compactness=SLIC_COMPACTNESS, start_label=0, channel_axis=2
    )
    return np.asarray(pieces_HW)


def felzenszwalb_pieces(image_HW3: np.ndarray) -> np.ndarray:
    """H W: pieces whose inside differs less than they differ from each other."""
    pieces_HW = _segmentation("felzenszwalb").felzenszwalb(
        image_HW3, scale=FELZENSZWALB_SCALE, min_size=FELZENSZWALB_SMALLEST, channel_axis=2
    )
    return np.asarray(pieces_HW)


def _segmentation(method: str) -> Any:
    try:
        import skimage.segmentation
    except ModuleNotFoundError as error:
        raise BadEnvironment(
            f"the superpixels {method!r} must have scikit-image, but got none installed; "
            'pip install "mereo[superpixels]", or take the method watershed.'
        ) from error
    return skimage.segmentation
