from pathlib import Path

import pytest

from mereo.data.formats.folder_description import FolderDescription, built_in_descriptions, load_description
from mereo.data.taxonomy_file import built_in_taxonomies, load_taxonomy
from mereo.errors import BadInput


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\ntaxonomy: camvid\nimages: x\n", "at least one label must be named"),
        ("name: a\ntaxonomy: camvid\nimages: 'x/*/y'\nsemantic: z\n", "one \\*, in the file name, but got 'x/\\*/y'"),
        ("name: a\ntaxonomy: camvid\nimages: '{splits}/x'\nsemantic: z\n", "may hold {split} as a folder's whole name"),
        ("name: a\ntaxonomy: camvid\nimages: x\nsemantik: z\n", "did you mean 'semantic'"),
        ("name: a\ntaxonomy: camvid\nimages: x\nparts: z\n", "must list parts, but got none for the label folder"),
        ("name: a\ntaxonomy: camvid\nimages: x\nsemantic: z\nscenes: s.csv\n", "must list scenes, but got none"),
        (
            "name: a\ntaxonomy: camvid\nimages: x\nsemantic: z\ntables: {parts: {ids: {car: [1]}}}\n",
            "tables must belong to label folders, but got parts; name the folder as well",
        ),
        (
            "name: a\ntaxonomy: camvid\nimages: x\nsemantic: z\ntables: {semantic: {ids: {caar: [1]}}}\n",
            r"but got \['caar'\] in tables.semantic of .*; did you mean 'car'",
        ),
        ("name: a\ntaxonomy: camvid\nimages: x\nsemantic: z\ntables: {semantics: {}}\n", "tables.semantics"),
        ("name: a\ntaxonomy: {objects: []}\nimages: x\nsemantic: z\n", "at least one class"),
    ],
)
def test_descriptions_are_checked(tmp_path, text, message):
    (tmp_path / "mereo.yaml").write_text(text)
    with pytest.raises(BadInput, match=message):
        load_description(tmp_path)


def test_a_taxonomy_may_be_known_by_other_ids(tmp_path):
    text = "name: a\ntaxonomy: camvid\nimages: x\nsemantic: z\ntables: {semantic: {ids: {car: [1]}, ignored: [0]}}\n"
    (tmp_path / "mereo.yaml").write_text(text)
    table = load_description(tmp_path).table_of("semantic")
    assert table.names == load_taxonomy("camvid").objects.names and table.raw_to_index == {1: 8, 0: None}


def test_descriptions_that_are_not_there(tmp_path):
    with pytest.raises(BadInput, match=r"must hold mereo.yaml, but got none in .*`mereo init .*camvid, .*facades"):
        load_description(tmp_path)
    with pytest.raises(BadInput, match="a readable YAML file or a built-in name .* but got No such file"):
        load_description(tmp_path, "nope")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="YAML must be UTF-8 text, but got .*bytes.yaml"):
        load_description(tmp_path, tmp_path / "bytes.yaml")


def test_every_built_in_taxonomy_and_description_loads():
    for name in built_in_taxonomies():
        taxonomy = load_taxonomy(name)
        assert taxonomy.num_objects == len(set(taxonomy.object_names)) > 0
    for name in built_in_descriptions():
        loaded = load_description(Path("."), name)
        assert isinstance(loaded.description, FolderDescription) and loaded.folder is None
