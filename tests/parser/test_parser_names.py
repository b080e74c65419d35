"""What a parser may be called, and what is said to a name that is none."""

from pathlib import Path

import pytest

import mereo
from mereo.errors import BadInput
from mereo.parser.parser_names import is_checkpoint_on_hub, is_on_hub, is_pushed_parser
from mereo.parser.weights import find_parser_file


@pytest.mark.parametrize(
    ("name", "is_pushed", "is_checkpoint"),
    [
        ("hub:someone/tiny", True, False),
        ("hf:someone/tiny@main", False, True),
        ("street", False, False),
        ("hub/someone", False, False),
        (Path("hf/tiny"), False, False),
    ],
)
def test_where_a_name_leads(name: str | Path, is_pushed: bool, is_checkpoint: bool) -> None:
    assert (is_pushed_parser(name), is_checkpoint_on_hub(name)) == (is_pushed, is_checkpoint)
    assert is_on_hub(name) is (is_pushed or is_checkpoint)


@pytest.mark.parametrize(("name", "near"), [("stret", "street"), ("Street", "street"), ("everyda", "everyday")])
def test_a_misspelt_name_is_told_the_nearest(name: str, near: str) -> None:
    with pytest.raises(BadInput) as raised:
        mereo.load(name)
    assert str(raised.value) == (
        f"parser must be a built-in name, a parser file or a run folder, but got {name!r}; did you mean {near!r}?"
    )


@pytest.mark.parametrize("name", ["zebra", "runs/street", "./street", "no\0thing"])
def test_other_names_and_paths_are_told_all_ways(name: str) -> None:
    with pytest.raises(BadInput) as raised:
        mereo.load(name)
    assert str(raised.value).endswith(
        f"but got {name!r}; built in: everyday, concepts, drawn, street; on the hub: hub:OWNER/NAME."
    )


def test_a_checkpoint_is_no_parser_file() -> None:
    with pytest.raises(BadInput, match="but got the checkpoint 'hf:someone/tiny'; make a file of it first: mereo conv"):
        find_parser_file("hf:someone/tiny")
