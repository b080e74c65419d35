"""Familiarity for a parser: the Gaussian of its training pictures, and how far held-out pictures lie from it.

Pictures are taken evenly from the samples, as many as suffice, and looked at as they are, without augmentation. Tried
on the pictures that it was taken from, a limit warns as often as it says by construction. So one is also taken from
every other held-out picture and tried on those between; the parser gets the one of all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of
from mereo.metrics.mahalanobis import fitted_gaussian, mahalanobis_distance
from mereo.parser.familiarity import LIMIT_QUANTILE, Familiarity, looked_at
from mereo.parser.scene_parser import SceneParser

MAX_PICTURES = 200


@dataclass(frozen=True, eq=False)
class FamiliarityFit:
    """`distance_N`: of the held-out pictures. `warned_share`: of the odd ones of them, by the limit of the even ones,
    which has not seen them; None for a single held-out picture."""

    familiarity: Familiarity
    distance_N: np.ndarray
    warned_share: float | None


def fit_familiarity(
    parser: SceneParser,
    training: Samples,
    held_out: Samples,
    *,
    max_pictures: int = MAX_PICTURES,
    progress: Callable[[int, int], None] | None = None,
) -> FamiliarityFit:
    """What the parser should know of its training pictures. The parser is not changed.

    `training` must be what it was trained on, `held_out` pictures of the same kind that it was not trained on.
    """
    train, others = spread(len(training), max_pictures), spread(len(held_out), max_pictures)
    if len(train) < 2 or not others:
        raise BadInput(
            f"familiarity must be fitted on at least 2 training pictures and a held-out one, but got {len(train)} and "
            f"{len(others)}; pass more pictures."
        )
    features: list[np.ndarray] = []
    total = len(train) + len(others)
    for samples, index in [*((training, one) for one in train), *((held_out, one) for one in others)]:
        features.append(looked_at(parser, pixels_of(samples[index])))
        if progress is not None:
            progress(len(features), total)
    features_NC = np.stack(features)
    return fit_of(features_NC[: len(train)], features_NC[len(train) :])


def fit_of(train_NC: np.ndarray, held_out_NC: np.ndarray) -> FamiliarityFit:
    gaussian = fitted_gaussian(train_NC)
    distance_N = mahalanobis_distance(held_out_NC, gaussian)
    usual, limit = float(np.median(distance_N)), float(np.quantile(distance_N, LIMIT_QUANTILE))
    even_N, odd_N = distance_N[::2], distance_N[1::2]
    warned = float((odd_N > np.quantile(even_N, LIMIT_QUANTILE)).mean()) if len(odd_N) else None
    return FamiliarityFit(
        Familiarity(gaussian, usual, limit, num_pictures=len(train_NC), num_held_out=len(held_out_NC)),
        distance_N,
        warned,
    )


def spread(num: int, most: int) -> list[int]:
    """At most so many places, evenly over all.

    >>> spread(10, 4), spread(3, 4)
    ([0, 2, 5, 7], [0, 1, 2])
    """
    return list(range(num)) if num <= most else [place * num // most for place in range(most)]
