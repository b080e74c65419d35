"""JSON that two readers would understand differently is refused; all else is what Python reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mereo.data.json_reading import parse_json
from mereo.errors import BadInput

PATH = Path("a.json")
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
contents = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4))


@given(contents, st.booleans())
def test_sound_json_is_read_as_python_reads_it(content: Any, ensure_ascii: bool) -> None:
    assert parse_json(json.dumps(content, ensure_ascii=ensure_ascii), what="a test", path=PATH) == content


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 1}', "key 'a' twice"),
        ('[{"b": {"a": 1, "c": 2, "a": 1}}]', "key 'a' twice"),
        ('"\\ud800"', "surrogates not allowed"),
        ('{"\\udfff": 1}', "surrogates not allowed"),
        ('[["\\ud83d"]]', "surrogates not allowed"),
        ("9" * 5000, "4300 digits"),
        ("[" * 100_000, "recursion"),
        ("", "Expecting value"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=f"a test must be JSON, but got .*{problem}.* in a.json; save or copy it again"):
        parse_json(text, what="a test", path=PATH)


def test_a_pair_of_surrogates_is_a_letter() -> None:
    assert parse_json('"\\ud83d\\ude00"', what="a test", path=PATH) == "\U0001f600"
