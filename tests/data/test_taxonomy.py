"""Label tables against a loop over a dictionary; every raw id outside the table is an error that says where."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

NAMES = tuple(f"class {index}" for index in range(300))


def looped(table: LabelTable, raw_HW: np.ndarray) -> list[list[int]]:
    index_of = {raw: table.ignore_index if index is None else index for raw, index in table.raw_to_index.items()}
    return [[index_of[int(raw)] for raw in row] for row in raw_HW]


@st.composite
def tables_and_maps(draw: st.DrawFn, raw_ids: st.SearchStrategy[int], dtype: str) -> tuple[LabelTable, np.ndarray]:
    ids = draw(st.lists(raw_ids, min_size=1, max_size=12, unique=True))
    num_classes = draw(st.integers(1, 300))
    indices = draw(st.lists(st.none() | st.integers(0, num_classes - 1), min_size=len(ids), max_size=len(ids)))
    table = LabelTable(NAMES[:num_classes], dict(zip(ids, indices)), colours=("#000000",) * num_classes)
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pixels = draw(st.lists(st.sampled_from(ids), min_size=size[0] * size[1], max_size=size[0] * size[1]))
    return table, np.array(pixels, dtype=dtype).reshape(size)


narrow = tables_and_maps(st.integers(0, 255), "uint8") | tables_and_maps(st.integers(-(2**15), 2**15 - 1), "int16")
wide = tables_and_maps(st.integers(-(2**31), 2**31 - 1), "int32") | tables_and_maps(st.integers(0, 2**24 - 1), "uint32")


@given(narrow | wide | tables_and_maps(st.integers(0, 2**32 - 1), "uint64"))
@settings(max_examples=200, deadline=None)
def test_to_index_against_a_loop(table_and_map: tuple[LabelTable, np.ndarray]) -> None:
    table, raw_HW = table_and_map
    index_HW = table.to_index(raw_HW)
    assert index_HW.dtype == np.int32
    assert_array_equal(index_HW, looped(table, raw_HW))


@given(narrow | wide, st.data())
@settings(max_examples=100, deadline=None)
def test_any_id_outside_the_table_is_refused(table_and_map: tuple[LabelTable, np.ndarray], data: st.DataObject) -> None:
    table, raw_HW = table_and_map
    limits = np.iinfo(raw_HW.dtype)
    near = [raw + step for raw in table.raw_to_index for step in (-1, 1)] + [limits.min, limits.max, 255, 256, -1]
    outside = [raw for raw in near if raw not in table.raw_to_index and limits.min <= raw <= limits.max]
    if not outside:
        return
    row = data.draw(st.integers(0, raw_HW.shape[0] - 1))
    column = data.draw(st.integers(0, raw_HW.shape[1] - 1))
    raw_HW[row, column] = data.draw(st.sampled_from(outside))
    with pytest.raises(BadInput, match=rf"but got {raw_HW[row, column]} at pixel \(row {row}, column {column}\)"):
        table.to_index(raw_HW)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint16"])
def test_the_error_names_file_pixel_value_and_what_to_do(dtype: str) -> None:
    raw_HW = np.array([[0, 1, 0], [0, 0, 7]], dtype=dtype)
    with pytest.raises(BadInput) as caught:
        LabelTable(("a", "b")).to_index(raw_HW, file="labels/x.png")
    assert str(caught.value) == (
        "label ids must be in the label table (0, 1), but got 7 at pixel (row 1, column 2) in labels/x.png; "
        "add the id to the taxonomy, or to its ignored ids."
    )


def test_a_negative_id_in_the_table_says_nothing_about_255() -> None:
    """-1 as an index would be the last entry of a 256-entry look-up."""
    table = LabelTable(("a",), {0: 0, -1: None})
    assert table.to_index(np.array([[0, -1]])).tolist() == [[0, 255]]
    with pytest.raises(BadInput, match="but got 255"):
        table.to_index(np.array([[255]], dtype=np.uint8))


def test_colour_coded_ids_are_shown_as_colours() -> None:
    table = LabelTable(("road", "car"), {0x804080: 0, 0x00008E: 1, 0x000000: None}, is_colour_coded=True)
    raw_HW = np.array([[0x804080, 0x00008E, 0]], dtype=np.int32)
    assert table.to_index(raw_HW).tolist() == [[0, 1, 255]]
    with pytest.raises(BadInput, match=r"\(colour #000000, colour #00008e, colour #804080\), but got colour #804081"):
        table.to_index(raw_HW + np.array([[1, 0, 0]], dtype=np.int32))


def test_many_ids_are_shown_shortened() -> None:
    with pytest.raises(BadInput, match=r"\(0, 1, 2, 3, 4, 5, ... 19\), but got 20"):
        LabelTable(NAMES[:20]).to_index(np.array([[20]]))


@pytest.mark.parametrize(
    "raw_HW", [np.zeros((2, 2), dtype=np.float32), np.zeros((2, 2, 3), dtype=np.uint8), np.zeros(4, dtype=np.uint8)]
)
def test_a_label_map_is_integers_in_two_axes(raw_HW: np.ndarray) -> None:
    with pytest.raises(BadInput, match=r"a label map must hold whole numbers in rows and columns, but got .* in x.png"):
        LabelTable(("a",)).to_index(raw_HW, file="x.png")


def test_an_empty_map() -> None:
    assert LabelTable(("a",)).to_index(np.zeros((0, 5), dtype=np.uint8)).shape == (0, 5)


@pytest.mark.parametrize(("num_classes", "ignore_index"), [(1, 255), (255, 255), (256, 65535), (300, 65535)])
def test_the_ignore_index_is_never_a_class(num_classes: int, ignore_index: int) -> None:
    table = LabelTable(NAMES[:num_classes], {0: 0, 9: None}, colours=("#000000",) * num_classes)
    assert table.ignore_index == ignore_index
    assert table.to_index(np.array([[0, 9]])).tolist() == [[0, ignore_index]]


def test_defaults_are_the_positions_and_distinct_colours() -> None:
    table = LabelTable(("a", "b", "c"))
    assert table.raw_to_index == {0: 0, 1: 1, 2: 2} and len(table) == 3
    assert table.colours_K3.shape == (3, 3) and table.colours_K3.dtype == np.uint8
    assert LabelTable(("a",), colours=("#0072b2",)).colours_K3.tolist() == [[0, 114, 178]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ()}, "a label table must name 1 to 65535 classes, but got 0; mend the list"),
        ({"names": tuple(map(str, range(65536)))}, "must name 1 to 65535 classes, but got 65536"),
        ({"names": ("a", "b", "a")}, r"class names must be unique, but got \['a'\] more than once"),
        ({"names": ("a",), "raw_to_index": {3: 1}}, "raw id 3 must map to one of 1 classes, but got 1; mend"),
        ({"names": ("a",), "raw_to_index": {3: -1}}, "raw id 3 must map to one of 1 classes, but got -1"),
        ({"names": ("a",), "raw_to_index": {2**32: 0}}, "a raw id must fit in 32 bits, but got 4294967296"),
        ({"names": ("a",), "colours": ("#000000", "#ffffff")}, r"colours must be one a class \(1\), but got 2"),
        ({"names": ("a",), "colours": ("red",)}, "a colour must be written #rrggbb, but got 'red'"),
    ],
)
def test_bad_tables(arguments: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        LabelTable(**arguments)


OBJECTS = LabelTable(("background", "car"))
PARTS = LabelTable(("wheel", "door"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"is_thing": (True,)}, "is_thing must hold 2 values, but got 1"),
        ({"parts": PARTS, "part_owners": (("car",),)}, "part_owners must hold 2 lists, but got 1"),
        ({"part_owners": (("car",),)}, "part_owners must hold 0 lists, but got 1"),
        (
            {"parts": PARTS, "part_owners": (("car",), ("cat",))},
            "a part's owner must be an object, but got 'cat'; objects",
        ),
        (
            {"parts": LabelTable(("rest", "door")), "part_owners": (("car",), ("car",))},
            r"the part 'rest' must name no owner, but got \['car'\]; it belongs to every object that has parts",
        ),
        ({"derived": ("wood",)}, r"derived must name tasks that have classes here, but got \['wood'\]; tasks"),
        ({"derived": ("parts",)}, r"derived must name tasks that have classes here, but got \['parts'\]; tasks"),
    ],
)
def test_bad_taxonomies(arguments: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Taxonomy("test", OBJECTS, **arguments)


def test_how_tables_hang_together() -> None:
    taxonomy = Taxonomy("test", OBJECTS, parts=PARTS, part_owners=(("car", "background"), ("car",)))
    assert taxonomy.object_names == ["background", "car"] and taxonomy.num_objects == 2
    assert taxonomy.is_thing == (False, False) and taxonomy.ignore_index == 255
    assert taxonomy.parts_of("car") == ["wheel", "door"] and taxonomy.parts_of("background") == ["wheel"]
    assert Taxonomy("test", OBJECTS).parts_of("car") == []
    assert Taxonomy("test", OBJECTS, parts=PARTS).part_owners == ((), ())


def test_the_slice_of_parts_of_an_object() -> None:
    owners = ((), ("car",), ("car", "background"))
    with_rest = Taxonomy("test", OBJECTS, parts=LabelTable(("rest", "wheel", "door")), part_owners=owners)
    assert with_rest.has_rest and with_rest.part_indices_of("car") == (0, 1, 2)
    assert with_rest.part_indices_of("background") == (0, 2) and with_rest.parts_of("car") == ["wheel", "door"]
    without = Taxonomy("test", OBJECTS, parts=PARTS, part_owners=(("car",), ("car",)))
    assert not without.has_rest and without.part_indices_of("car") == (0, 1)
    # An object without parts has no rest either.
    assert without.part_indices_of("background") == () == Taxonomy("test", OBJECTS).part_indices_of("car")


@pytest.mark.parametrize("raw_ids", [(3, 9), (3, 900_000)], ids=["looked up", "searched"])
def test_bands_leave_no_seam_and_name_the_right_pixel(raw_ids, monkeypatch):
    monkeypatch.setattr("mereo.data.taxonomy.BAND_PIXELS", 21)
    table = LabelTable(names=("a", "b"), raw_to_index={raw_ids[0]: 0, raw_ids[1]: 1, 0: None})
    random = np.random.default_rng(0)
    raw = random.choice([0, *raw_ids], size=(23, 7))
    expected = np.where(raw == 0, 255, (raw == raw_ids[1]).astype(int))
    np.testing.assert_array_equal(table.to_index(raw), expected)
    raw[17, 4] = raw[20, 1] = 5
    with pytest.raises(BadInput, match=r"but got 5 at pixel \(row 17, column 4\)"):
        table.to_index(raw)
    for shape in ((0, 5), (5, 0), (1, 50), (50, 1)):
        assert table.to_index(np.zeros(shape, int)).shape == shape
