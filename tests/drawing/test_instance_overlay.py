"""Instances on a photograph: masks tinted, boxes at their sides, the best on top, the unlikely left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.instances import Instances
from mereo.data.run_lengths import run_lengths
from mereo.drawing import instance_overlay
from mereo.drawing.instance_overlay import MASK_STRENGTH, InstancePictures, draw_instances

COLOURS_K3 = np.array([[200, 0, 0], [0, 200, 0]])
NAMES = ("red", "green")
SIZE = (90, 120)


def instances_of(*things: tuple[int, float, tuple[int, int, int, int]]) -> Instances:
    masks = []
    for _, _, (left, top, right, bottom) in things:
        mask_HW = np.zeros(SIZE, dtype=bool)
        mask_HW[top:bottom, left:right] = True
        masks.append(run_lengths(mask_HW))
    return Instances(
        SIZE,
        np.array([label for label, _, _ in things], dtype=np.int64),
        np.array([score for _, score, _ in things], dtype=np.float32),
        np.array([box for _, _, box in things], dtype=np.float32).reshape(-1, 4),
        tuple(masks),
    )


@pytest.fixture(autouse=True)
def no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_overlay, "write_with_halo", lambda *arguments: None)


def drawn(*things: tuple[int, float, tuple[int, int, int, int]], **options: float) -> np.ndarray:
    image_HWC = np.full((*SIZE, 3), 100, dtype=np.uint8)
    return draw_instances(image_HWC, instances_of(*things), names=NAMES, colours_K3=COLOURS_K3, **options)


def test_a_mask_is_tinted_and_its_box_drawn() -> None:
    picture_HWC = drawn((0, 0.9, (20, 30, 60, 70)))
    tint_3 = np.rint(100 * (1 - MASK_STRENGTH) + COLOURS_K3[0] * MASK_STRENGTH)
    assert np.array_equal(picture_HWC[50, 40], tint_3)
    assert np.array_equal(picture_HWC[30, 40], COLOURS_K3[0]) and np.array_equal(picture_HWC[69, 40], COLOURS_K3[0])
    assert np.array_equal(picture_HWC[50, 20], COLOURS_K3[0]) and np.array_equal(picture_HWC[50, 59], COLOURS_K3[0])
    outside_HW = np.ones(SIZE, dtype=bool)
    outside_HW[29:71, 19:61] = False
    assert (picture_HWC[outside_HW] == 100).all()


def test_the_best_lies_on_top() -> None:
    best = drawn((0, 0.9, (20, 30, 60, 70)), (1, 0.8, (20, 30, 60, 70)))
    other = drawn((0, 0.7, (20, 30, 60, 70)), (1, 0.8, (20, 30, 60, 70)))
    assert best[50, 40, 0] > best[50, 40, 1] and other[50, 40, 1] > other[50, 40, 0]


def test_the_unlikely_and_the_many_are_left_out() -> None:
    plain = drawn()
    assert (plain == 100).all()
    assert np.array_equal(drawn((0, 0.2, (20, 30, 60, 70))), plain)
    assert not np.array_equal(drawn((0, 0.2, (20, 30, 60, 70)), lowest_score=0.1), plain)
    things = [(0, 0.9, (20, 30, 60, 70)), (1, 0.8, (70, 10, 90, 20))]
    assert np.array_equal(drawn(*things, most=1), drawn(things[0]))


def test_names_and_scores_are_written_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[tuple[int, int], str]] = []
    monkeypatch.setattr(
        instance_overlay, "write_with_halo", lambda picture, centre, text, font: written.append((centre, text))
    )
    drawn((0, 0.914, (100, 0, 120, 20)), (1, 0.5, (0, 80, 30, 90)))
    assert [text for _, text in written] == ["green 0.50", "red 0.91"]
    assert all(0 < x < SIZE[1] and 0 < y < SIZE[0] for (x, y), _ in written)


def test_an_empty_mask_and_a_flat_box_are_no_trouble() -> None:
    empty = Instances(
        SIZE, np.array([0]), np.array([0.9]), np.array([[5.0, 5.0, 5.0, 5.0]]), (run_lengths(np.zeros(SIZE, bool)),)
    )
    image_HWC = np.zeros((*SIZE, 3), dtype=np.uint8)
    assert draw_instances(image_HWC, empty, names=NAMES, colours_K3=COLOURS_K3).shape == (*SIZE, 3)


def test_the_first_few_pictures_are_written(tmp_path: Path) -> None:
    pictures = InstancePictures(tmp_path / "new", count=2, names=NAMES, colours_K3=COLOURS_K3)
    image_HWC = np.zeros((*SIZE, 3), dtype=np.uint8)
    for name in ("a/one", "b/one", "three"):
        pictures.see(name, image_HWC, instances_of((1, 0.9, (20, 30, 60, 70))))
    assert [path.name for path in pictures.written] == ["one.png", "one-2.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one-2.png", "one.png"]
    assert Image.open(pictures.written[0]).size == (120, 90)
