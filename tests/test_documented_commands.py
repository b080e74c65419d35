"""Every command line that the README, CONTRIBUTING.md and docs/ show is one that `mereo` takes: parsed, not run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from mereo.commands.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
# `[FOLDER]` and `[--top 20]` stand for what may be left out; here it is given.
OPTIONAL = re.compile(r"(?<!\S)\[([^\]]*)\](?!\S)")


def command_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Command lines of a page, and whether each is only a mention of a verb, which needs no arguments."""
    for block in FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("mereo "):
                yield line.strip(), False
    for code in INLINE.findall(FENCED.sub("", text)):
        for line in " ".join(code.split()).split("; "):
            if line.startswith("mereo ") and not line.startswith("mereo --"):
                yield line, True


def refusal(line: str, *, is_mention: bool = False) -> str | None:
    """Why `mereo` would not take a command line; None if it would."""
    words = shlex.split(OPTIONAL.sub(r"\1", line), comments=True)[1:]
    command: Any = typer.main.get_command(app)
    name = "mereo"
    while hasattr(command, "commands"):
        if not words:
            return None if is_mention else f"{name} needs a verb"
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no verb {name!r}"
        command = command.commands[name]
    if is_mention and not words:
        return None
    try:
        command.make_context(name, words)
    except Exception as error:  # Which click it comes from depends on typer's version.
        if not hasattr(error, "format_message"):
            raise
        told = str(error.format_message())
        # A mention of an option alone (`mereo explain --segments`) leaves out what it is asked about.
        names_options_alone = is_mention and all(word.startswith("--") for word in words)
        return None if names_options_alone and told.startswith("Missing argument") else told
    return None


DOCUMENTED = [
    pytest.param(line, is_inline, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, (line, is_inline) in enumerate(command_lines(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize(("line", "is_inline"), DOCUMENTED)
def test_a_documented_command_is_one_that_mereo_takes(line: str, is_inline: bool) -> None:
    assert refusal(line, is_mention=is_inline) is None, line


def test_commands_are_found_where_they_stand() -> None:
    page = "Text, `mereo show\nRECIPE; mereo doctor` and `mereo`.\n\n```\nmake demo\nmereo parse a.jpg  # why\n```\n"
    found = [("mereo parse a.jpg  # why", False), ("mereo show RECIPE", True), ("mereo doctor", True)]
    assert list(command_lines(page)) == found
    assert len(DOCUMENTED) > 60


@pytest.mark.parametrize(
    "line",
    [
        "mereo parse",
        "mereo parse a.jpg --no-such-option",
        "mereo parse a.jpg --out",
        "mereo index",
        "mereo index bild a",
        "mereo group a.jpg --level many",
        "mereo convert FOLDER",
    ],
)
def test_a_wrong_command_would_be_seen(line: str) -> None:
    assert refusal(line) is not None


@pytest.mark.parametrize(
    "line", ["mereo studio [FOLDER] # a page", "mereo parse a.jpg", "mereo bench grids --rounds 3"]
)
def test_a_right_command_is_taken(line: str) -> None:
    assert refusal(line) is None


def test_a_mention_may_leave_out_arguments_but_name_no_unknown_option() -> None:
    assert refusal("mereo explain --segments", is_mention=True) is None
    assert refusal("mereo explain --segmnts", is_mention=True) is not None
    assert refusal("mereo explain --segments") is not None
