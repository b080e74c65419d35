"""A taxonomy is the same after a trip through YAML, and a bad file says what is bad."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.data.taxonomy_file import (
    built_in_taxonomies,
    load_taxonomy,
    table_with_ids,
    taxonomy_from_dict,
    taxonomy_to_dict,
)
from mereo.errors import BadInput
from mereo.strict_yaml import dump_yaml, load_yaml

names = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8)
colours = st.from_regex("#[0-9a-f]{6}", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn, has_ignored: bool = True) -> LabelTable:
    class_names = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    is_colour_coded = draw(st.booleans())
    raw_ids = st.integers(0, 2**24 - 1) if is_colour_coded else st.integers(-(2**31), 2**32 - 1)
    indices = st.integers(0, len(class_names) - 1)
    raw_to_index = draw(
        st.dictionaries(raw_ids, indices | st.none() if has_ignored else indices, min_size=1, max_size=8)
    )
    chosen = draw(st.lists(colours, min_size=len(class_names), max_size=len(class_names)))
    return LabelTable(tuple(class_names), raw_to_index, tuple(chosen), is_colour_coded)


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    objects, parts = draw(tables()), draw(st.none() | tables())
    owner_lists = st.lists(st.sampled_from(objects.names), max_size=3).map(tuple)
    num_parts = 0 if parts is None else len(parts)
    return Taxonomy(
        name=draw(names),
        objects=objects,
        is_thing=tuple(draw(st.lists(st.booleans(), min_size=len(objects), max_size=len(objects)))),
        parts=parts,
        part_owners=tuple(draw(st.lists(owner_lists, min_size=num_parts, max_size=num_parts))),
        materials=draw(st.none() | tables()),
        textures=draw(st.none() | tables()),
        scenes=draw(st.none() | tables(has_ignored=False)),
        derived=draw(st.sampled_from([(), ("objects",)])),
    )


@given(taxonomies())
@settings(max_examples=50, deadline=None)
def test_the_same_after_yaml_and_after_json(taxonomy: Taxonomy) -> None:
    content = taxonomy_to_dict(taxonomy)
    assert taxonomy_from_dict(load_yaml(dump_yaml(content), source="a test")) == taxonomy
    assert (
        taxonomy_from_dict(json.loads(json.dumps(content)))
        == taxonomy
        == taxonomy_from_dict(taxonomy_to_dict(taxonomy))
    )


@pytest.mark.parametrize("name", built_in_taxonomies())
def test_built_in_taxonomies(name: str) -> None:
    taxonomy = load_taxonomy(name)
    assert taxonomy.name == name and taxonomy.num_objects >= 1
    assert taxonomy_from_dict(taxonomy_to_dict(taxonomy)) == taxonomy


def test_short_and_long_entries(tmp_path: Path) -> None:
    path = tmp_path / "my own.yaml"
    path.write_text(
        "name: mine\n"
        "objects:\n  - sky\n  - {name: car, thing: true}\n  - {name: no, ids: [7, 8]}\n"
        "ignored_ids: [255]\n"
        "parts:\n  - {name: wheel, of: [car], ids: [1]}\nignored_part_ids: [0]\n"
        "scenes: [street, field]\n"
    )
    taxonomy = load_taxonomy(path)
    assert taxonomy.object_names == ["sky", "car", "no"] and taxonomy.is_thing == (False, True, False)
    assert taxonomy.objects.raw_to_index == {0: 0, 1: 1, 7: 2, 8: 2, 255: None}
    assert taxonomy.parts is not None and taxonomy.parts.raw_to_index == {1: 0, 0: None}
    assert taxonomy.parts_of("car") == ["wheel"]
    assert taxonomy.scenes is not None and taxonomy.scenes.names == ("street", "field")


def test_colours_as_ids() -> None:
    objects = [{"name": "road", "ids": ["#804080"]}, {"name": "car", "ids": ["#00008E"]}]
    table = taxonomy_from_dict({"name": "t", "objects": objects, "ignored_ids": ["#000000"]}).objects
    assert table.is_colour_coded and table.raw_to_index == {0x804080: 0, 0x00008E: 1, 0: None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "a test must be valid, but got"),
        ({"name": "t"}, "objects: Field required"),
        ({"name": "t", "objects": []}, "a class list must name at least one class, but got none in a test"),
        ({"name": "t", "objects": ["a"], "ignore_ids": [1]}, "got 'ignore_ids'; did you mean 'ignored_ids'"),
        (
            {"name": "t", "objects": [{"nam": "a"}]},
            "objects.0: key must be a known one, but got 'nam'; did you mean 'name'",
        ),
        ({"name": "t", "objects": [""]}, "objects.0.* at least 1 character"),
        ({"name": "t", "objects": [3]}, "objects.0: .*but got 3"),
        ({"name": "t", "objects": [{"name": "a", "of": ["a"]}]}, "objects.0: key must be a known one, but got 'of'"),
        ({"name": "t", "objects": ["a"], "parts": [{"name": "p", "thing": True}]}, "parts.0: .*known.* got 'thing'"),
        ({"name": "t", "objects": ["a", "a"]}, "class names must be unique"),
        (
            {"name": "t", "objects": [{"name": "a", "ids": [1]}, "b"]},
            "raw id must belong to one class, but got 1 twice",
        ),
        (
            {"name": "t", "objects": ["a"], "ignored_ids": [0]},
            "raw id must belong to one class, but got 0 twice in a test",
        ),
        ({"name": "t", "objects": ["a"], "ignored_ids": ["#000000"]}, "ids must be all numbers or all colours"),
        ({"name": "t", "objects": ["a"], "ignored_ids": ["red"]}, "ids must be all numbers or all colours"),
        ({"name": "t", "objects": [{"name": "a", "ids": ["red"]}]}, "a colour must be written #rrggbb, but got 'red'"),
        (
            {"name": "t", "objects": [{"name": "a", "ids": []}]},
            "a class list must have at least one id, but got only empty",
        ),
        ({"name": "t", "objects": [{"name": "a", "ids": [10**30]}]}, "a raw id must fit in 32 bits"),
        ({"name": "t", "objects": [{"name": "a", "ids": [True]}]}, "objects.0: ids must not be true or false"),
        (
            {"name": "t", "objects": [{"name": "a", "colour": "#000000"}, "b"]},
            "colours must be given for all .* 1 of 2",
        ),
        ({"name": "t", "objects": [{"name": "a", "colour": "#00000g"}]}, "a colour must be written #rrggbb"),
    ],
)
def test_bad_files(content: object, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        taxonomy_from_dict(content, source="a test")


def test_derived_tasks_are_written_only_where_there_are_some() -> None:
    """Files of parsers that know nothing of it stay what they were."""
    content = {"name": "t", "objects": ["a"], "materials": ["wood"]}
    assert "derived" not in taxonomy_to_dict(taxonomy_from_dict(content))
    assert taxonomy_to_dict(taxonomy_from_dict(content | {"derived": ["materials"]}))["derived"] == ["materials"]
    with pytest.raises(BadInput, match="derived.0: Input should be 'objects', 'parts', .* but got 'wood'"):
        taxonomy_from_dict(content | {"derived": ["wood"]})
    with pytest.raises(BadInput, match=r"derived must name tasks that have classes here, but got \['parts'\]; tasks:"):
        taxonomy_from_dict(content | {"derived": ["parts"]})


def test_ids_of_one_source_for_shared_classes() -> None:
    table = LabelTable(("sky", "car", "road"), colours=("#000001", "#000002", "#000003"))
    own = table_with_ids(table, {"road": [3, 4], "sky": [0]}, [255], source="a test")
    assert own.names == table.names and own.colours == table.colours and not own.is_colour_coded
    assert own.raw_to_index == {3: 2, 4: 2, 0: 0, 255: None}
    colours = table_with_ids(table, {"car": ["#00000a"]}, ["#000000"], source="a test")
    assert colours.is_colour_coded and colours.raw_to_index == {10: 1, 0: None}


@pytest.mark.parametrize(
    ("ids", "ignored", "message"),
    [
        (
            {"caar": [1]},
            [],
            r"ids must be given to classes of the taxonomy, but got \['caar'\] in a test; did you mean",
        ),
        ({"xyz": [1]}, [], "but got .'xyz'. in a test; add them to the taxonomy"),
        ({"car": [1], "sky": [1]}, [], "raw id must belong to one class, but got 1 twice in a test"),
        ({"car": [1]}, [1], "raw id must belong to one class, but got 1 twice in a test"),
        ({"car": [1]}, ["#000000"], "ids must be all numbers or all colours"),
        ({"car": []}, [], "a class list must have at least one id, but got only empty lists in a test"),
    ],
)
def test_bad_ids_of_one_source(ids: dict, ignored: list, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        table_with_ids(LabelTable(("sky", "car")), ids, ignored, source="a test")


@pytest.mark.parametrize("name", ["camvyd", "a" * 5000, "nul\0byte", "."])
def test_no_such_taxonomy(name: str) -> None:
    with pytest.raises(BadInput, match="taxonomy must be a built-in name or a YAML file, but got .*; built in: camvid"):
        load_taxonomy(name)
