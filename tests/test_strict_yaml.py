"""YAML is data only, and what Mereo writes it reads back."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from mereo.errors import BadInput
from mereo.strict import StrictConfig
from mereo.strict_yaml import MAX_CHARACTERS, dump_yaml, load_yaml, load_yaml_file, validated

BILLION_LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-1E+3", -1000.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("1.5e3", 1500.0),
        ("010", 10),
        ("-007", -7),
        ("0x1F", 31),
        ("no", "no"),
        ("On", "On"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("=", "="),
        ("-.inf", -math.inf),
        ("0.1.2", "0.1.2"),
        ("e5", "e5"),
        ('"1e-4"', "1e-4"),
    ],
)
def test_plain_words_are_what_people_mean(text: str, value: Any) -> None:
    loaded = load_yaml(text, source="a test")
    assert loaded == value and type(loaded) is type(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BILLION_LAUGHS, "aliases are not allowed in a test, line 2"),
        ("a: !!python/object/apply:os.system [echo hello]", "tag '.*os.system' is not allowed"),
        ("!!python/name:os.system", "is not allowed"),
        ("a: !!set {b}", "is not allowed"),
        ("a: !thing {b: 1}", "tag '!thing' is not allowed"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "key 'c' stands twice in a test, line 4"),
        ("1: a\n0x1: b", "key 1 stands twice"),
        ("true: 1", "key True is not a word"),
        ("1.5: 1", "key 1.5 is not a word"),
        ("[1, 2]: 3", "is not a word"),
        ("a: [1, 2", "expected"),
        ("a: b: c", "mapping values are not allowed here in a test, line 1"),
        ("a\n---\nb", "found another document in a test, line 2"),
        ("a: \x00", "special characters are not allowed"),
        ("9" * 5000, "more than 1000 digits"),
        ("0x" + "f" * 5000, "more than 1000 digits"),
        ('"\\ud800"', "half a surrogate pair"),
        ("a: &a " + "[" * 70 + "]" * 70, "nesting too deep"),
        ("[" * 1500, "nesting too deep"),
        ("{a: " * 1500, "nesting too deep"),
    ],
)
def test_anything_but_plain_data_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=rf"(?s)YAML must be plain data, but got.*{problem}"):
        load_yaml(text, source="a test")


def test_more_values_than_one_may_wait_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mereo.strict_yaml.MAX_VALUES", 100)
    assert len(load_yaml("[" + "1, " * 99 + "]", source="a test")) == 99
    with pytest.raises(BadInput, match="YAML must be plain data, but got: more than 100 values in a test, line 1"):
        load_yaml("[" + "1, " * 100 + "]", source="a test")


def test_a_merge_key_is_an_ordinary_key() -> None:
    """Merging would be a second way to write a key; a recipe refuses `<<` as unknown."""
    assert load_yaml("<<: {a: 1}", source="a test") == {"<<": {"a": 1}}


def test_long_text_is_refused_unread() -> None:
    with pytest.raises(
        BadInput, match=f"YAML must have at most {MAX_CHARACTERS} characters, but got 1000001 in a test"
    ):
        load_yaml("a" * (MAX_CHARACTERS + 1), source="a test")


def test_files_that_cannot_be_read_are_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: stra\xdfe".encode("latin-1"))
    with pytest.raises(BadInput, match="YAML must be UTF-8 text, but got .*latin.yaml"):
        load_yaml_file(tmp_path / "latin.yaml")
    with pytest.raises(BadInput, match="YAML must be a readable file, but got No such file"):
        load_yaml_file(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="YAML must be a regular file, but got another kind in"):
        load_yaml_file(tmp_path)
    with open(tmp_path / "large.yaml", "wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(BadInput, match=f"YAML must have at most {MAX_CHARACTERS} characters, but got more in .*large"):
        load_yaml_file(tmp_path / "large.yaml")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfname: a")
    assert load_yaml_file(tmp_path / "bom.yaml") == {"name": "a"}


words = st.text(max_size=12) | st.sampled_from(["no", "1e-4", "010", "0x1F", "null", "12:30", "2024-01-01", "1_0", "~"])
words = words.filter(lambda word: not any("\ud800" <= letter <= "\udfff" for letter in word))
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | words
contents = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4))


@given(contents)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(content: Any) -> None:
    text = dump_yaml(content)
    assert load_yaml(text, source="a test") == content
    # And any other reader understands the same.
    assert yaml.safe_load(text) == content


def test_shared_objects_are_written_out_twice() -> None:
    shared = [1, 2]
    assert load_yaml(dump_yaml({"a": shared, "b": shared}), source="a test") == {"a": [1, 2], "b": [1, 2]}


class Circle(StrictConfig):
    shape: Literal["circle"] = "circle"
    radius: float = Field(gt=0)


class Square(StrictConfig):
    shape: Literal["square"] = "square"
    side: float


class Drawing(StrictConfig):
    name: str
    shapes: tuple[Annotated[Circle | Square, Field(discriminator="shape")], ...] = ()
    sizes: list[int | str] = []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "a test must be valid, but got: name: Field required.$"),
        ({"name": 3}, "name: Input should be a valid string, but got 3.$"),
        ({"name": "a", "shpes": []}, r"\(top\): key must be a known one, but got 'shpes'; did you mean 'shapes'\?$"),
        # The union's tag ("circle") is no step in the file and must not stand in the path.
        (
            {"name": "a", "shapes": [{"shape": "circle", "radius": 1}, {"shape": "circle", "radios": 1}]},
            r"got: shapes.1: key must be a known one, but got 'radios'; did you mean 'radius'\?$",
        ),
        (
            {"name": "a", "shapes": [{"shape": "circle", "radius": -1}]},
            "got: shapes.0.radius: .* greater than 0, but got -1",
        ),
        ({"name": "a", "shapes": [{"shape": "cube"}]}, "got: shapes.0: Input tag 'cube' .*'circle', 'square'"),
        ({"name": "a", "shapes": [{"radius": 2}]}, "got: shapes.0: Unable to extract tag using discriminator 'shape'"),
        ({"name": "a", "sizes": [1, [2]]}, r"got: sizes.1: Input should be a valid integer, but got \[2\].$"),
        ([1], r"got: \(top\): Input should be a valid dictionary"),
        (None, r"got: \(top\): Input should be a valid dictionary"),
    ],
)
def test_pydantics_complaints_become_one_line(content: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        validated(Drawing, content, source="a test")
    assert "\n" not in str(caught.value)


def test_a_missing_key_deep_inside_has_the_path_of_the_file() -> None:
    with pytest.raises(BadInput) as caught:
        validated(Drawing, {"name": "a", "shapes": [{"shape": "circle"}]}, source="a test")
    assert str(caught.value) == "a test must be valid, but got: shapes.0.radius: Field required."


def test_at_most_five_complaints() -> None:
    with pytest.raises(BadInput) as caught:
        validated(Drawing, {"name": "a", "sizes": [[1]] * 50}, source="a test")
    assert str(caught.value).count("sizes.") == 5
