"""Pictures of sorted segments: colours of directions, borders, what is coloured and marked at a step."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_merging_history import SEGMENT_HW, made_history

from mereo.assembly.parse import Parse
from mereo.data.palette import perceived_N43
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.embedding_colours import embedding_colours, place_colours
from mereo.drawing.level_pictures import MARK, MARK_EDGE
from mereo.drawing.merging_chart import merging_chart
from mereo.drawing.segment_pictures import SegmentPictures, chosen_steps, ring, segment_place

TAXONOMY = Taxonomy(
    "street",
    LabelTable(("sky", "road", "car"), colours=("#0000ff", "#00ff00", "#ff0000")),
    is_thing=(False, False, True),
)


def made_pictures(**changes: object) -> SegmentPictures:
    """Of a grey photograph of 30 x 40 pixels, each cell of the segments 10 x 10."""
    history = made_history(**changes)
    semantic_HW, instances_HW = (
        one_G[history.group_S[SEGMENT_HW]].repeat(10, axis=0).repeat(10, axis=1)
        for one_G in (history.class_G, history.instance_G)
    )
    parse = Parse(np.full((30, 40, 3), 120, np.uint8), semantic_HW, TAXONOMY, instances=instances_HW)
    embedding_Dhw = np.random.default_rng(0).normal(size=(2, 3, 4))
    return SegmentPictures(parse, history, embedding_Dhw / np.linalg.norm(embedding_Dhw, axis=0))


def middle(picture_HWC: np.ndarray, row: int, column: int) -> list[int]:
    """Of a cell of the segments."""
    height, width = picture_HWC.shape[:2]
    return picture_HWC[round((row + 0.5) * height / 3), round((column + 0.5) * width / 4)].tolist()


def test_every_reader_sees_the_first_direction_as_light_and_most_see_the_second() -> None:
    ramp_N3 = np.zeros((9, 3))
    ramp_N3[:, 0] = np.linspace(-1, 1, 9)
    lightness_N4 = perceived_N43(place_colours(ramp_N3))[:, :, 0]
    assert (np.diff(lightness_N4, axis=0) > 0.04).all()
    yellow, blue = perceived_N43(place_colours(np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])))
    assert (np.linalg.norm(yellow - blue, axis=-1)[:3] > 0.2).all()  # The fourth is blind to blue and yellow.


def test_alike_directions_have_alike_colours() -> None:
    random = np.random.default_rng(1)
    embedding_Dhw = random.normal(size=(5, 6, 7))
    embedding_Dhw /= np.linalg.norm(embedding_Dhw, axis=0)
    colours = embedding_colours(embedding_Dhw)
    vector_ND = embedding_Dhw.reshape(5, -1).T
    np.testing.assert_array_equal(colours.picture(embedding_Dhw, (6, 7)).reshape(-1, 3), colours.of(vector_ND))
    assert colours.picture(embedding_Dhw, (60, 70)).shape == (60, 70, 3)
    near, far = colours.of(np.stack([vector_ND[0], vector_ND[0] + 1e-3, -vector_ND[0]])).astype(int)[1:]
    first = colours.of(vector_ND[:1])[0].astype(int)
    assert np.abs(near - first).max() <= 2 < np.abs(far - first).max()


def test_equal_embeddings_are_all_grey_and_little_spread_gets_little_colour() -> None:
    same_Dhw = np.ones((4, 3, 3)) / 2
    assert len(np.unique(embedding_colours(same_Dhw).picture(same_Dhw, (3, 3)))) == 1
    embedding_Dhw = np.zeros((3, 1, 200))
    embedding_Dhw[0, 0], embedding_Dhw[1, 0] = np.linspace(-1, 1, 200), 0.001 * np.tile([1, -1], 100)
    places_N3 = embedding_colours(embedding_Dhw).places(embedding_Dhw.reshape(3, -1).T)
    assert np.abs(places_N3[:, 0]).max() == pytest.approx(1) and np.abs(places_N3[:, 1]).max() < 0.01


def test_over_segmentation_and_answer_have_the_colours_of_classes() -> None:
    pictures = made_pictures()
    over_HWC, answer_HWC = pictures.over_segmentation(), pictures.answer()
    assert over_HWC.shape == answer_HWC.shape == pictures.embedding().shape == (720, 960, 3)
    assert middle(over_HWC, 0, 0) == middle(over_HWC, 0, 2) == middle(answer_HWC, 0, 0) == [188, 60, 60]
    assert middle(over_HWC, 1, 0) == middle(answer_HWC, 1, 0) == [60, 188, 60]
    # Segments 3 and 5 are both road: a line between them in the over-segmentation, and none in the answer.
    assert over_HWC[600, 239].tolist() != [60, 188, 60] and answer_HWC[600, 239].tolist() == [60, 188, 60]


def test_before_the_answer_only_things_are_coloured() -> None:
    pictures = made_pictures()
    for step in range(3):
        red, green, blue = middle(pictures.step(step), 2, 0)  # Segment 3 is road.
        assert red == green == blue
    assert len(set(middle(pictures.step(3), 2, 0))) > 1
    # Segments 0 and 2 have one colour as soon as they are one, which is that of their prototype.
    before_HWC, after_HWC = pictures.step(0), pictures.step(2)
    assert middle(before_HWC, 0, 0) != middle(before_HWC, 0, 3)
    assert middle(pictures.step(3), 0, 0) == middle(pictures.step(3), 0, 3)
    assert after_HWC.shape == (480, 640, 3)


def test_what_just_merged_has_a_ring_and_stripes_on_what_is_gone() -> None:
    pictures = made_pictures()
    plain_HWC, marked_HWC = pictures.step(0), pictures.step(1)  # Segment 4 joined 2.
    height, width = marked_HWC.shape[:2]
    striped = marked_HWC[height // 3 + 20 : height // 3 + 60, width // 2 + 20 : width // 2 + 60]
    assert len(np.unique(striped.reshape(-1, 3), axis=0)) == 3
    colours = {tuple(colour) for colour in np.unique(marked_HWC.reshape(-1, 3), axis=0)}
    assert {MARK, MARK_EDGE} <= colours and MARK not in {tuple(one) for one in plain_HWC.reshape(-1, 3)}


def test_seeds_are_marked() -> None:
    is_seed_S = np.array([False, True, False, False, False, False])
    place = middle(made_pictures(is_seed_S=is_seed_S, refused=None).step(0), 0, 2)
    assert tuple(place) == MARK
    assert segment_place(SEGMENT_HW, 3) == (0.5, 1.5) and segment_place(SEGMENT_HW, 1) == (2.5, 0.5)


def test_a_ring_lies_around_its_mask() -> None:
    picture_HWC, mask_HW = np.full((12, 12, 3), 9, np.uint8), np.zeros((12, 12), bool)
    mask_HW[5:7, 5:7] = True
    ring(picture_HWC, mask_HW)
    assert picture_HWC[5, 2:7, 0].tolist() == [9, MARK_EDGE[0], MARK[0], 9, 9]


@pytest.mark.parametrize("num_steps", [1, 2, 5, 6, 40, 577])
def test_pictures_are_of_the_first_the_last_and_the_answer(num_steps: int) -> None:
    steps = chosen_steps(num_steps)
    assert steps[0] == 0 and steps[-2:] == [num_steps - 1, num_steps] and len(steps) == min(6, num_steps + 1)


def test_a_chart_of_how_far_apart_they_were() -> None:
    chart = merging_chart(made_history())
    assert chart.count('class="dot"') == 2 and chart.count('class="refused"') == 1 and "threshold 32°" in chart
    assert "18° at step 1, 26° at step 2" in chart
    seeded = merging_chart(made_history(is_seed_S=np.zeros(6, bool), refused=None))
    assert "threshold" not in seeded and "refused" not in seeded
    assert "threshold" not in merging_chart(made_history(threshold=1.1))
    only_refused = merging_chart(made_history(merges=()))
    assert "Nothing merged" in only_refused and 'class="refused"' in only_refused
    assert merging_chart(made_history(merges=(), refused=None)) == ""
