"""A map of all segments of a class: near each other on it if their vectors are, by t-SNE (van der Maaten and Hinton
2008), with what surrounds each segment. After figure 5 of Panoptic Segment Sorting.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadEnvironment, BadInput
from mereo.retrieval.lance_library import INSTALL
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import SURROUNDINGS, VECTOR, surroundings_of, vectors_of

# Of a larger class so many are drawn from a fixed seed: more would hide each other.
MAX_SEGMENTS = 2_000
LEAST_SEGMENTS = 4
PERPLEXITY = 30


@dataclass(frozen=True, eq=False)
class ClassMap:
    """`position_N2` is x, y (see `laid_out`); `share_NK` the mean share of each class over the regions around it."""

    name: str
    num_segments: int
    position_N2: np.ndarray
    share_NK: np.ndarray
    images: tuple[str, ...]
    thumbnails: tuple[bytes, ...]


def class_map(index: SegmentIndex, class_index: int, *, max_segments: int = MAX_SEGMENTS) -> ClassMap:
    name = index.facts.taxonomy.object_names[class_index]
    columns = [VECTOR, "image", "segment", "thumbnail", *SURROUNDINGS]
    rows = index.rows(columns, where=f"class_index = {class_index}")
    rows = rows.sort_by([("image", "ascending"), ("segment", "ascending")])
    if len(rows) < LEAST_SEGMENTS:
        raise BadInput(
            f"a map must have at least {LEAST_SEGMENTS} segments, but got {len(rows)} of {name}; choose another "
            "--class."
        )
    num_segments = len(rows)
    if num_segments > max_segments:
        rows = rows.take(np.sort(np.random.default_rng(0).choice(num_segments, max_segments, replace=False)))
    share_N8K, is_inside_N8 = surroundings_of(rows, index.facts.taxonomy.num_objects)
    num_inside_N1 = is_inside_N8.sum(axis=1, keepdims=True)
    return ClassMap(
        name=name,
        num_segments=num_segments,
        position_N2=laid_out(vectors_of(rows)),
        share_NK=share_N8K.sum(axis=1) / np.maximum(num_inside_N1, 1),
        images=tuple(rows["image"].to_pylist()),
        thumbnails=tuple(rows["thumbnail"].to_pylist()),
    )


def laid_out(vector_ND: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Places (N 2) by t-SNE: x from 0 to 1, y from 0 to at most 1; the same vectors get the same places."""
    try:
        from openTSNE import TSNE
    except ModuleNotFoundError as error:
        raise BadEnvironment(
            f"a map must have openTSNE, but got no package {error.name}; {INSTALL} installs what it needs."
        ) from error
    # Vectors that are all the same have no main axes to start from.
    random_N2 = np.random.default_rng(seed).normal(scale=1e-4, size=(len(vector_ND), 2))
    method = TSNE(
        perplexity=min(PERPLEXITY, max(1, (len(vector_ND) - 1) / 3)),
        initialization=_main_axes(vector_ND) + random_N2,
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=1,
    )
    place_N2 = np.asarray(method.fit(vector_ND.astype(np.float64)))
    place_N2 = place_N2 - place_N2.min(axis=0)
    # Which way is up means nothing, and a wide map fits a screen better than a high one.
    place_N2 = place_N2[:, ::-1] if place_N2[:, 1].max() > place_N2[:, 0].max() else place_N2
    return place_N2 / max(float(place_N2.max()), 1e-12)


def _main_axes(vector_ND: np.ndarray) -> np.ndarray:
    """The two main axes, small, as t-SNE wants its start; the sign of an axis is fixed by its largest number."""
    centred_ND = vector_ND - vector_ND.mean(axis=0, dtype=np.float64)
    _, _, axes_AD = np.linalg.svd(centred_ND.T @ centred_ND)
    axes_2D = axes_AD[:2]
    axes_2D = axes_2D * np.sign(axes_2D[np.arange(len(axes_2D)), np.abs(axes_2D).argmax(axis=1)])[:, None]
    place_N2 = centred_ND @ axes_2D.T
    if place_N2.shape[1] < 2:
        place_N2 = np.pad(place_N2, ((0, 0), (0, 2 - place_N2.shape[1])))
    return 1e-4 * place_N2 / max(float(place_N2[:, 0].std()), 1e-12)
