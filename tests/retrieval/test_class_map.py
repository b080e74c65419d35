"""The map of an index's class: groups stay together, the same vectors get the same places, few are refused."""

from pathlib import Path

import numpy as np
import pytest
from tiny_index import build, photographs

from mereo.errors import BadInput
from mereo.retrieval.class_map import class_map, laid_out
from mereo.retrieval.segment_index import SegmentIndex

pytest.importorskip("lancedb", reason="the extra index is not installed")
pytest.importorskip("openTSNE", reason="the extra index is not installed")


def test_groups_stay_together_and_places_are_the_same_again() -> None:
    random = np.random.default_rng(0)
    centre_3D = np.eye(8)[:3].repeat(20, axis=0)
    vector_ND = centre_3D + 0.05 * random.normal(size=(60, 8))
    vector_ND /= np.linalg.norm(vector_ND, axis=1, keepdims=True)
    place_N2 = laid_out(vector_ND)
    assert place_N2.min() == 0 and place_N2[:, 0].max() == pytest.approx(1) and place_N2[:, 1].max() <= 1
    np.testing.assert_array_equal(place_N2, laid_out(vector_ND))
    apart_NN = np.linalg.norm(place_N2[:, None] - place_N2[None], axis=-1) + 9 * np.eye(60)
    assert (apart_NN.argmin(axis=1) // 20 == np.arange(60) // 20).all()


@pytest.mark.parametrize("vector_ND", [np.eye(8)[:4], np.ones((5, 8)) / np.sqrt(8), np.eye(2)[[0, 1, 0, 1, 0]]])
def test_few_and_equal_vectors(vector_ND: np.ndarray) -> None:
    place_N2 = laid_out(vector_ND)
    assert place_N2.shape == (len(vector_ND), 2) and np.isfinite(place_N2).all()


def test_of_an_index(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 6)
    build(tmp_path / "index", tmp_path / "in")
    index = SegmentIndex.open(tmp_path / "index")
    found = class_map(index, 1)
    assert (found.name, found.num_segments, len(found.images), found.share_NK.shape) == ("road", 6, 6, (6, 3))
    assert found.images == tuple(sorted(found.images)) and found.thumbnails[0][:2] == b"\xff\xd8"
    # The middle stripe has sky on one side and car on the other, each as wide as itself.
    np.testing.assert_allclose(found.share_NK[0], [10 / 11 / 2, 1 / 11 / 2, 0.5], atol=0.06)
    assert len(class_map(index, 1, max_segments=4).images) == 4
    with pytest.raises(BadInput, match="a map must have at least 4 segments, but got 0 of sky; choose another --class"):
        photographs(tmp_path / "none", 1)
        build(tmp_path / "few", tmp_path / "none")
        few = SegmentIndex.open(tmp_path / "few")
        few.drop(["000.png"])
        class_map(few, 0)
