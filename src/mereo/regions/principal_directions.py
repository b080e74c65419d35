"""Principal directions of vectors: along which they spread most, always with the same sign."""

from dataclasses import dataclass

import numpy as np

from mereo.shapes import require_shapes

# Of what spreads less nothing can be said but that it rounds.
LEAST_SPREAD = 1e-9


@dataclass(frozen=True, eq=False)
class PrincipalDirections:
    """C directions of length 1, that of the greatest spread first, through the mean of the vectors; `share_C`: how much
    of the whole spread (variance) lies along each. A direction along which nothing spreads is 0."""

    mean_D: np.ndarray
    direction_CD: np.ndarray
    share_C: np.ndarray

    def places(self, vector_ND: np.ndarray) -> np.ndarray:
        """N C: where vectors lie along the directions, from the mean."""
        require_shapes(vector_ND=vector_ND, mean_D=self.mean_D)
        return (vector_ND - self.mean_D) @ self.direction_CD.T


def principal_directions(vector_ND: np.ndarray, count: int = 3) -> PrincipalDirections:
    """The first `count` of them. Of the two signs the one whose largest number (the first of equal ones) is positive.

    >>> found = principal_directions(np.array([[0.0, 0.0], [0.0, -2.0]]), count=3)
    >>> found.direction_CD.tolist(), found.share_C.tolist()
    ([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]], [1.0, 0.0, 0.0])
    """
    require_shapes(vector_ND=vector_ND)
    wide_ND = vector_ND.astype(np.float64)
    num_vectors, width = wide_ND.shape
    mean_D = wide_ND.mean(axis=0) if num_vectors else np.zeros(width)
    centred_ND = wide_ND - mean_D
    spread_W, direction_DW = np.linalg.eigh(centred_ND.T @ centred_ND / max(1, num_vectors))
    direction_CD, share_C = np.zeros((count, width)), np.zeros(count)
    whole = max(float(spread_W.clip(min=0).sum()), LEAST_SPREAD)
    for place, index in enumerate(range(width - 1, max(-1, width - 1 - count), -1)):
        if spread_W[index] <= LEAST_SPREAD:
            break
        direction_D = direction_DW[:, index]
        largest = direction_D[np.abs(direction_D).argmax()]
        direction_CD[place], share_C[place] = direction_D * np.sign(largest), spread_W[index] / whole
    return PrincipalDirections(mean_D, direction_CD + 0.0, share_C)  # No minus zeros.
