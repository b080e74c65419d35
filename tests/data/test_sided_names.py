"""Left and right: which names change places in a mirror."""

import pytest

from mereo.data.sided_names import mirrored_indices
from mereo.data.taxonomy_file import load_taxonomy


@pytest.mark.parametrize(
    ("names", "mirrored"),
    [
        (("left_eye", "right_eye"), (1, 0)),
        (("Left eye", "nose", "Right eye"), (2, 1, 0)),
        (("LEFT", "RIGHT"), (1, 0)),
        (("arm left 2", "arm right 2", "arm left 3"), (1, 0, 2)),
        (("left of left", "right of right"), (1, 0)),
        (("left1", "right1"), (1, 0)),
        # No partner, another way of writing, or no word of its own.
        (("left_eye", "Right_eye"), (0, 1)),
        (("left_wing",), (0,)),
        (("leftover", "rightover"), (0, 1)),
        (("bright", "bleft", "copyleft", "copyright"), (0, 1, 2, 3)),
        (("linksänleft", "linksänright"), (0, 1)),
        ((), ()),
    ],
)
def test_names_with_a_partner_change_places(names: tuple[str, ...], mirrored: tuple[int, ...]) -> None:
    assert mirrored_indices(names) == mirrored


@pytest.mark.parametrize("name", ["carparts", "carparts_things", "everyday", "camvid", "voc", "clothes"])
def test_twice_in_a_mirror_is_as_before(name: str) -> None:
    taxonomy = load_taxonomy(name)
    for table in (taxonomy.objects, taxonomy.parts):
        if table is not None:
            assert [table.mirrored[other] for other in table.mirrored] == list(range(len(table)))


def test_the_sides_of_a_car() -> None:
    parts = load_taxonomy("carparts").parts
    assert parts is not None
    changed = {parts.names[index]: parts.names[other] for index, other in enumerate(parts.mirrored) if index != other}
    assert len(changed) == 10
    assert changed["back_left_door"] == "back_right_door" and changed["right_mirror"] == "left_mirror"
