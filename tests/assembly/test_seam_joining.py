"""A labelled picture cut into overlapping tiles, each with numbers of its own, is the same picture when joined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mereo.assembly.seam_joining import TileInstances, join_instances
from mereo.assembly.tiles import tiles_along
from mereo.data.drawn_scenes import DrawnScenes
from mereo.errors import BadInput


def cut(ids_HW: np.ndarray, class_of_id: dict[int, int], *, tile: int, overlap: int, seed: int) -> list[TileInstances]:
    random = np.random.default_rng(seed)
    rows, columns = (tiles_along(length, tile=tile, overlap=overlap, cell=1) for length in ids_HW.shape)
    tiles = []
    for row in rows:
        for column in columns:
            piece = ids_HW[row.start : row.stop, column.start : column.stop]
            present = [int(one) for one in np.unique(piece) if one]
            numbers = (random.permutation(len(present)) + 1).tolist()
            table = np.zeros(int(ids_HW.max()) + 1, dtype=np.int32)
            table[present] = numbers
            classes = {number: class_of_id[one] for one, number in zip(present, numbers)}
            tiles.append(TileInstances(row.start, column.start, table[piece], classes))
    return tiles


def assert_same_partition(first_HW: np.ndarray, second_HW: np.ndarray) -> None:
    pairs = np.unique(np.stack([first_HW.ravel(), second_HW.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
    assert ((first_HW == 0) == (second_HW == 0)).all()


@pytest.mark.parametrize(("tile", "overlap"), [(64, 16), (96, 24), (150, 40)])
@pytest.mark.parametrize("kind", ["street", "room"])
def test_things_of_a_drawn_scene_come_together_again(kind: str, tile: int, overlap: int) -> None:
    sample = DrawnScenes(1, seed=5, size=(240, 320), kinds=(kind,))[0]
    ids_HW, semantic_HW = np.asarray(sample.instances_HW), np.asarray(sample.semantic_HW)
    class_of_id = {int(one): int(np.bincount(semantic_HW[ids_HW == one]).argmax()) for one in np.unique(ids_HW) if one}
    assert len(class_of_id) > 3
    joined = join_instances(cut(ids_HW, class_of_id, tile=tile, overlap=overlap, seed=0), ids_HW.shape)
    assert_same_partition(joined.ids_HW, ids_HW)
    for number, index in joined.class_of_id.items():
        assert index == class_of_id[int(ids_HW[joined.ids_HW == number][0])]


@given(st.integers(0, 10**6), st.integers(20, 70), st.integers(20, 70), st.integers(2, 8))
def test_connected_things_of_any_shape(seed: int, height: int, width: int, overlap: int) -> None:
    """Neighbouring pixels always share a tile, so what is connected is joined, however often seams cross it."""
    random = np.random.default_rng(seed)
    colours_HW = np.zeros((height, width), dtype=np.int32)
    for one in range(1, 6):
        y, x = random.integers(height), random.integers(width)
        colours_HW[y : y + random.integers(1, 40), x : x + random.integers(1, 40)] = one
    ids_HW = np.zeros((height, width), dtype=np.int32)
    for one in range(1, 6):
        components_HW, _ = ndimage.label(colours_HW == one)
        ids_HW = np.where(components_HW > 0, components_HW + ids_HW.max(), ids_HW)
    class_of_id = {one: int(random.integers(2)) for one in range(1, int(ids_HW.max()) + 1)}
    joined = join_instances(cut(ids_HW, class_of_id, tile=24, overlap=overlap, seed=seed), ids_HW.shape)
    assert_same_partition(joined.ids_HW, ids_HW)


def test_neighbours_that_disagree_stay_apart() -> None:
    """Another class, or less than half in common: two things."""
    left = TileInstances(0, 0, np.array([[1, 1, 1, 1]]), {1: 0})
    other_class = TileInstances(0, 2, np.array([[1, 1, 1, 1]]), {1: 1})
    assert len(join_instances([left, other_class], (1, 6)).class_of_id) == 2
    small = TileInstances(0, 0, np.array([[7, 7, 7, 7, 0, 0, 0]]), {7: 0})
    large = TileInstances(0, 3, np.array([[3, 3, 3, 3, 3, 3, 3]]), {3: 0})  # In common: 1 of 4 pixels of the overlap.
    assert len(join_instances([small, large], (1, 10)).class_of_id) == 2


def test_the_answer_does_not_depend_on_numbers() -> None:
    ids_HW = np.kron(np.arange(1, 10).reshape(3, 3), np.ones((20, 20), dtype=np.int32))
    classes = dict.fromkeys(range(1, 10), 0)
    first, second = (
        join_instances(cut(ids_HW, classes, tile=24, overlap=8, seed=seed), ids_HW.shape).ids_HW for seed in (0, 1)
    )
    assert_same_partition(first, second)


def test_wrong_tiles_are_refused() -> None:
    with pytest.raises(BadInput, match="must lie inside the picture of 6x1"):
        join_instances([TileInstances(0, 4, np.zeros((1, 4), int), {})], (1, 6))
    with pytest.raises(BadInput, match=r"must have a class, but got none for \[9\]"):
        join_instances([TileInstances(0, 0, np.full((1, 4), 9), {})], (1, 6))
