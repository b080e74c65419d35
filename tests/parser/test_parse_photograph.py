"""`mereo.parse`: what it hands on, which parsers it keeps, and that parsing leaves a parser as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_parser import random_image, tiny_parser

import mereo
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.asking import parse_photograph
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, save_parser

IMAGE_HWC = random_image(60, 90)
OPTIONS = [
    {},
    {"tile": 64},
    {"with_confidence": True},
    {"working_side": 40},
    {"scales": (0.5, 1.0)},
    {"flip": True},
    {"name": "yard"},
]


@pytest.fixture(autouse=True)
def no_parser_is_kept() -> None:
    parse_photograph._built_in.cache_clear()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is loaded, and where to. A tiny parser stands in for the built-in ones."""
    seen: list[tuple[str, str]] = []

    def counted(parser: str | Path, *, device: str) -> SceneParser:
        seen.append((str(parser), device))
        return tiny_parser()

    monkeypatch.setattr(parse_photograph, "load", counted)
    return seen


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_parses_as_the_parser_does(options: dict[str, object]) -> None:
    parser = tiny_parser()
    found, wanted = mereo.parse(IMAGE_HWC, parser, **options), parser.parse(IMAGE_HWC, **options)
    np.testing.assert_array_equal(found.semantic, wanted.semantic)
    np.testing.assert_equal(found.confidence, wanted.confidence)
    assert found.name == wanted.name


def test_its_options_are_those_of_the_parser() -> None:
    import inspect

    own = dict(inspect.signature(mereo.parse).parameters)
    for name, parameter in inspect.signature(SceneParser.parse).parameters.items():
        if name not in ("self", "image_HWC", "name"):
            assert (own[name].kind, own[name].default) == (parameter.kind, parameter.default), name


def test_a_file_gives_the_parse_its_name(tmp_path: Path) -> None:
    Image.fromarray(IMAGE_HWC).save(tmp_path / "street.png")
    parser = tiny_parser()
    assert mereo.parse(tmp_path / "street.png", parser).name == "street"
    assert mereo.parse(str(tmp_path / "street.png"), parser, name="yard").name == "yard"


def test_built_in_parsers_are_loaded_once(loads: list[tuple[str, str]]) -> None:
    for parser in (None, "street", "everyday", None, "street"):
        mereo.parse(IMAGE_HWC, parser)
    assert loads == [("everyday", "cpu"), ("street", "cpu")]


def test_files_and_repositories_are_loaded_each_time(loads: list[tuple[str, str]]) -> None:
    for parser in ("runs/mine", Path("street"), "hub:somebody/street", "hf:somebody/street"):
        mereo.parse(IMAGE_HWC, parser)
        mereo.parse(IMAGE_HWC, parser, device="auto")
    assert len(loads) == 8 and {device for _, device in loads} == {"cpu", "auto"}


def test_a_file_that_was_written_anew_answers_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    answers = []
    for seed in (0, 1):
        save_parser(tiny_parser(seed=seed), path)
        answers.append(mereo.parse(IMAGE_HWC, path).semantic)
        np.testing.assert_array_equal(answers[-1], load(path).parse(IMAGE_HWC).semantic)
    assert (answers[0] != answers[1]).any()


def test_parsing_leaves_a_parser_as_it_was() -> None:
    parser = load("street")
    before = {name: value.clone() for name, value in parser.state_dict().items()}
    others = {name: value for name, value in vars(parser).items() if not name.startswith("_")}
    for options in OPTIONS:
        first, again = parser.parse(IMAGE_HWC, **options), parser.parse(IMAGE_HWC, **options)
        np.testing.assert_array_equal(first.semantic, again.semantic)
    assert {name: value for name, value in vars(parser).items() if not name.startswith("_")} == others
    assert parser.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in parser.state_dict().items())
    assert not any(module.training for module in parser.modules())


def test_devices() -> None:
    with pytest.raises(
        BadInput, match=r"device must be left out .* but got 'cpu'; move the parser there with parser.to"
    ):
        mereo.parse(IMAGE_HWC, tiny_parser(), device="cpu")
    with pytest.raises(BadInput, match="device must be auto, cpu, cuda or mps, but got 'gpu'"):
        mereo.parse(IMAGE_HWC, device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(BadEnvironment, match="device must be present, but got 'cuda'"):
            mereo.parse(IMAGE_HWC, device="cuda")
