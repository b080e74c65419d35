"""Token semantics: how much of one class a token's region is, and how different the tokens of an image are.

Hossain, Sigal, Little, "Framework-agnostic semantically-aware global reasoning for segmentation" (SGR), section 4.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.regions.nearest_places import nearest_places
from mereo.shapes import require_shapes


def token_semantics(
    weight_Khw: np.ndarray, label_HW: np.ndarray, num_classes: int, *, ignore_label: int = 255
) -> tuple[float, float]:
    """Semantics S (mean entropy of the tokens, in nats; low is good) and diversity D (their variance; high is good).

    S_C and D_C with class labels, S_I and D_I with the ids of things' instances. A token without mass on labelled
    pixels does not count; without any token both are NaN.

    >>> left_and_right = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> token_semantics(left_and_right, np.array([[0, 1]]), 2)
    (0.0, 0.5)
    """
    histogram_KN = token_histograms(weight_Khw, label_HW, num_classes, ignore_label=ignore_label)
    mass_K = histogram_KN.sum(axis=1)
    share_KN = histogram_KN[mass_K > 0] / mass_K[mass_K > 0, None]
    if len(share_KN) == 0:
        return float("nan"), float("nan")
    logarithm_KN = np.log(share_KN, out=np.zeros_like(share_KN), where=share_KN > 0)
    semantics = float(np.maximum(-(share_KN * logarithm_KN).sum(axis=1), 0.0).mean())
    # Summed over classes: the paper's .469 is more than a mean over them can be.
    diversity = float(np.square(share_KN - share_KN.mean(axis=0)).sum(axis=1).mean())
    return semantics, diversity


def token_histograms(
    weight_Khw: np.ndarray, label_HW: np.ndarray, num_classes: int, *, ignore_label: int = 255
) -> np.ndarray:
    """K N float64: the weight of each token on the pixels of every class. Ignored pixels do not vote.

    A label pixel votes with the weight of the cell it lies in, so tokens on grids of any size can be compared.
    """
    require_shapes(weight_Khw=weight_Khw, label_HW=label_HW)
    is_labelled_HW = label_HW != ignore_label
    label_P = label_HW[is_labelled_HW].astype(np.intp)
    if label_P.size and not 0 <= label_P.min() <= label_P.max() < num_classes:
        raise BadInput(
            f"labels must be classes 0 to {num_classes - 1}, but got {label_P.min()} to {label_P.max()}; "
            "pass num_classes and ignore_label of this map."
        )
    weight_KC = weight_Khw.reshape(len(weight_Khw), -1).astype(np.float64)
    if weight_KC.size and not weight_KC.min() >= 0:
        raise BadInput(f"weights of tokens must be 0 or more, but got {weight_KC.min()}; pass their absolute values.")
    rows_H, columns_W = (nearest_places(cells, side) for cells, side in zip(weight_Khw.shape[1:], label_HW.shape))
    cell_P = (rows_H[:, None] * weight_Khw.shape[2] + columns_W)[is_labelled_HW]
    # Columns of the classes in the picture alone: a taxonomy may have thousands, a picture has a few.
    present_M, label_P = np.unique(label_P, return_inverse=True)
    pixels_CM = np.bincount(cell_P * len(present_M) + label_P, minlength=weight_KC.shape[1] * len(present_M))
    histogram_KN = np.zeros((len(weight_KC), num_classes))
    histogram_KN[:, present_M] = weight_KC @ pixels_CM.reshape(weight_KC.shape[1], -1)
    return histogram_KN
