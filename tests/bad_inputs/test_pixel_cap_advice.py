"""A picture beyond the cap is refused with advice that the command at hand can take."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from png_bytes import END, GREY, chunk, header
from ran_command import Mereo
from small_run import small_recipe, write_recipe, write_rectangles
from small_transfer import small_transfer, write_things, write_transfer
from tiny_parser import random_image, taxonomy_of, tiny_parser

from mereo.commands.main import app
from mereo.parser.weights import save_parser

BOMB = header(10001, 10000, colour=GREY) + chunk(b"IDAT", b"") + END
OPTION = re.compile(r"--[a-z][a-z-]*")


def options_of(*verbs: str) -> set[str]:
    command: Any = typer.main.get_command(app)
    for verb in verbs:
        command = command.commands[verb]
    return {name for parameter in command.params for name in parameter.opts}


def advice_in(text: str) -> str:
    """The same wherever it is said: of a bad picture, and of a command that had only bad ones."""
    told = re.findall(r"at most 64,000,000 pixels, but got 10001x10000 in [^;]*; ([^\n]*?)\.?$", text, re.MULTILINE)
    (advice,) = set(told)
    return str(advice)


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "bomb.png"
    path.write_bytes(BOMB)
    return path


@pytest.mark.parametrize(
    "line",
    [
        ["parse"],
        ["parse", "--tile", "auto"],
        ["explain", "--affinity"],
        ["group"],
    ],
    ids=" ".join,
)
def test_a_command_of_photographs_names_what_raises_the_cap(
    line: list[str], bomb: Path, mereo: Mereo, tiny_file: Path, tmp_path: Path
) -> None:
    ran = mereo(line[0], bomb, *line[1:], "--parser", tiny_file, "--out", tmp_path / "out", "--device", "cpu")
    assert ran.code == 2
    advice = advice_in(ran.err)
    assert advice.startswith("raise --max-pixels") and set(OPTION.findall(advice)) <= options_of(line[0])
    # A PNG cannot be read in bands, so tiles are only worth naming together with what can be.
    assert ("--tile" in advice) == (line[0] == "parse") == ("TIFF" in advice)


def test_the_index_names_what_raises_the_cap(bomb: Path, mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("lancedb", reason="the extra index is not installed")
    Image.fromarray(random_image(40, 60)).save(bomb.with_name("good.png"))
    index = tmp_path / "index"
    built = mereo("index", "build", bomb.parent, "--parser", tiny_file, "--out", index, "--device", "cpu")
    assert built.code == 4 and advice_in(built.err) == "raise --max-pixels, or make it smaller"
    found = mereo("index", "find", index, bomb, "--at", "1,1", "--out", tmp_path / "out", "--device", "cpu")
    assert found.code == 2 and advice_in(found.error) == "raise --max-pixels, or make it smaller"
    for verb in ("build", "add", "find"):
        assert "--max-pixels" in options_of("index", verb)


# init looks at labels alone.
@pytest.mark.parametrize(
    ("verb", "kind"),
    [("init", "labels"), *product(("check", "train", "transfer", "evaluate"), ("images", "labels"))],
)
def test_a_command_of_labelled_data_names_no_option_that_it_lacks(
    verb: str, kind: str, mereo: Mereo, tmp_path: Path
) -> None:
    data = (write_things if verb == "transfer" else write_rectangles)(tmp_path / "data")
    for split in ("train", "val"):
        (data / split / kind / "3.png").write_bytes(BOMB)
    parser = save_parser(tiny_parser(taxonomy=taxonomy_of("blue", "red", "green")), tmp_path / "three.safetensors")
    lines: dict[str, list[Any]] = {
        "check": ["data", "check", data],
        "init": ["init", data],
        "train": ["train", write_recipe(tmp_path, small_recipe(steps=1)), "--out", tmp_path / "run"],
        "transfer": ["transfer", write_transfer(tmp_path, small_transfer(steps=1)), "--out", tmp_path / "run"],
        "evaluate": ["evaluate", parser, "--data", data, "--device", "cpu"],
    }
    if verb == "init":
        (data / "mereo.yaml").unlink()
    ran = mereo(*lines[verb])
    assert ran.code == 2
    assert advice_in(ran.out + ran.err) == "make it smaller"
