"""Pushing to a hub and loading from it, through Hugging Face's client and a hub on this machine; and every refusal."""

import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from hub_server import LocalHub, local_hub
from huggingface_hub import constants
from safetensors.torch import load_file
from tiny_parser import random_image, tiny_parser

import mereo
from mereo.commands.main import run
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.hub import download as hub_module
from mereo.parser.hub.download import downloaded_parser
from mereo.parser.hub.push import push_parser
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import read_metadata, save_parser

IMAGE_HWC = random_image(40, 60)
CARD = ModelCard(
    title="Tiny streets",
    summary="For a test | with <b>tags</b>.",
    data="drawn scenes",
    terms="for any use",
    measured={"mean_iou": 0.51234},
    measured_on="two scenes",
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """Somebody is logged in, and their cache is empty."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache of the hub"))
    with local_hub() as one:
        monkeypatch.setattr(hub_module, "hub", lambda: one.api())
        monkeypatch.setattr("mereo.parser.hub.push.hub", lambda: one.api())
        yield one


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_parser(tiny_parser(), tmp_path_factory.mktemp("saved") / "tiny.safetensors", card=CARD)


def test_what_is_pushed_is_loaded(hub: LocalHub, saved: Path) -> None:
    pushed = push_parser(saved, "someone/tiny", message="The first one")
    assert (pushed.name, pushed.terms, pushed.num_bytes) == ("hub:someone/tiny", "for any use", saved.stat().st_size)
    (commit,) = hub.repositories["someone/tiny"].commits
    assert commit[1] == "The first one" and set(commit[2]) == {"parser.safetensors", "README.md"}
    assert commit[2]["parser.safetensors"] == saved.read_bytes()
    loaded = mereo.load("hub:someone/tiny")
    assert loaded.card == CARD and not loaded.training
    expected = mereo.load(saved).parse(IMAGE_HWC).semantic
    np.testing.assert_array_equal(loaded.parse(IMAGE_HWC).semantic, expected)


def test_a_revision_and_the_newest(hub: LocalHub, saved: Path, tmp_path: Path) -> None:
    push_parser(saved, "someone/tiny")
    other = save_parser(tiny_parser("upernet"), tmp_path / "other.safetensors", card=CARD)
    push_parser(other, "someone/tiny")
    first, second = (commit[0] for commit in hub.repositories["someone/tiny"].commits)
    assert mereo.load("hub:someone/tiny").config.path[0].stage == "feature_pyramid"
    assert mereo.load(f"hub:someone/tiny@{first}").config.path[0].stage == "projection"
    assert downloaded_parser(f"hub:someone/tiny@{second}").read_bytes() == other.read_bytes()


def test_without_a_network_the_cache_is_enough(hub: LocalHub, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # The client tries five times, ever later.
    push_parser(saved, "someone/tiny")
    mereo.load("hub:someone/tiny")
    hub.stop()
    assert mereo.load("hub:someone/tiny").card == CARD
    with pytest.raises(BadEnvironment, match="hub:someone/other must be downloadable, but got: .*; check the network"):
        mereo.load("hub:someone/other")


def test_nothing_else_is_downloaded(hub: LocalHub, saved: Path, tmp_path: Path) -> None:
    push_parser(saved, "someone/tiny")
    hub.files("someone/tiny")["model.bin"] = pickle.dumps({"a": 1})
    mereo.load("hub:someone/tiny")
    asked = [one for one in hub.asked if one.startswith("GET")]
    assert asked and all(one.endswith("/parser.safetensors") for one in asked)
    assert {path.name for path in (tmp_path / "cache of the hub").rglob("*.*") if path.is_file()} >= {
        "parser.safetensors"
    }
    assert not list((tmp_path / "cache of the hub").rglob("*.bin"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (pickle.dumps({"weight": [1.0] * 99}), "parser file must be a safetensors file, but got"),
        (b"", "parser file must be a safetensors file, but got"),
    ],
    ids=["pickle", "empty"],
)
def test_a_file_that_is_no_parser_is_not_opened(hub: LocalHub, saved: Path, content: bytes, match: str) -> None:
    push_parser(saved, "someone/tiny")
    hub.files("someone/tiny")["parser.safetensors"] = content
    with pytest.raises(BadInput, match=match):
        mereo.load("hub:someone/tiny")


def test_refusals_of_loading(hub: LocalHub, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push_parser(saved, "someone/tiny", private=True)
    with pytest.raises(
        BadInput, match="a parser must be on the hub, but got none called no/one; check the name, or log"
    ):
        mereo.load("hub:no/one")
    with pytest.raises(BadInput, match="a parser must be on the hub, but got none called someone/tiny@v9"):
        mereo.load("hub:someone/tiny@v9")
    mereo.load("hub:someone/tiny")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache of somebody else"))
    monkeypatch.setattr(hub_module, "hub", lambda: hub.api(token=False))
    with pytest.raises(
        BadInput, match="must be on the hub, but got none called someone/tiny; .* or log in if it is pri"
    ):
        downloaded_parser("hub:someone/tiny")
    hub.repositories["someone/tiny"].is_private = False
    hub.repositories["someone/tiny"].is_gated = True
    with pytest.raises(
        BadInput, match="a parser must be open to you, but got someone/tiny, which its owner opens on req"
    ):
        downloaded_parser("hub:someone/tiny")
    hub.repositories["someone/tiny"].is_gated = False
    del hub.files("someone/tiny")["parser.safetensors"]
    with pytest.raises(
        BadInput, match="a parser on the hub must hold the file that is loaded, but got none in someone/t"
    ):
        downloaded_parser("hub:someone/tiny")


@pytest.mark.parametrize("name", ["hub:", "hub:../x", "hub:a/b@", "hub:a/b/c", "hub:a b", "hub:https://x.org/y"])
def test_names_that_are_none(hub: LocalHub, name: str) -> None:
    with pytest.raises(BadInput, match="a parser on the hub must be named hub:OWNER/NAME, but got"):
        mereo.load(name)
    assert not hub.asked


def test_private_only_if_it_is_said(hub: LocalHub, saved: Path) -> None:
    push_parser(saved, "someone/open")
    push_parser(saved, "someone/closed", private=True)
    assert [hub.repositories[f"someone/{name}"].is_private for name in ("open", "closed")] == [False, True]


def test_without_terms_nothing_is_pushed(hub: LocalHub, tmp_path: Path) -> None:
    silent = save_parser(tiny_parser(), tmp_path / "silent.safetensors")
    with pytest.raises(
        BadInput, match="a parser to push must say on which terms it may be used, but got none in .*sile"
    ):
        push_parser(silent, "someone/tiny")
    with pytest.raises(BadInput, match="must say on which terms it may be used"):
        push_parser(silent, "someone/tiny", terms=" Unknown ")
    assert not hub.asked
    push_parser(silent, "someone/tiny", terms="cc-by-4.0")
    loaded = mereo.load("hub:someone/tiny")
    assert loaded.card is not None and loaded.card.terms == "cc-by-4.0"
    path = downloaded_parser("hub:someone/tiny")
    before, after = load_file(silent), load_file(path)
    assert before.keys() == after.keys() and all(bool((before[name] == after[name]).all()) for name in before)
    assert read_metadata(silent)["card"]["terms"] == "unknown", "the file that was pushed stays as it is"


def test_refusals_of_pushing(hub: LocalHub, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tiny", "someone/tiny@v1", "a/b/c", "../x"):
        with pytest.raises(BadInput, match="must be (pushed to|named) OWNER/NAME, but got"):
            push_parser(saved, name)
    with pytest.raises(BadInput, match="parser must be a built-in name, a parser file or a run folder, but got"):
        push_parser(tmp_path / "nothing.safetensors", "someone/tiny")
    silent = save_parser(tiny_parser(), tmp_path / "silent.safetensors")
    with pytest.raises(BadInput, match="terms must be printable, but got"):
        push_parser(silent, "someone/tiny", terms="free\x1b[2J")
    with pytest.raises(BadInput, match="terms must be those of the parser's model card .'for any use'., but got 'mit'"):
        push_parser(saved, "someone/tiny", terms="mit")
    assert not hub.asked and not hub.repositories
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(BadInput, match="pushing must go to a place of your own, but got other/tiny, where you may not"):
        push_parser(saved, "other/tiny")
    with pytest.raises(BadEnvironment, match="somebody who is logged in, but got no valid token; run hf auth login"):
        push_parser(saved, "someone/tiny", api=hub.api(token="hf_wrong"))
    with pytest.raises(BadEnvironment, match="somebody who is logged in, but got no valid token"):
        push_parser(saved, "someone/tiny", api=hub.api(token=False))
    hub.stop()
    with pytest.raises(
        BadEnvironment, match="someone/tiny must be writable, but got: .*; check the network, or try aga"
    ):
        push_parser(saved, "someone/tiny")


def test_a_long_reason_ends_with_a_whole_word(saved: Path) -> None:
    class Talkative:
        def create_repo(self, *arguments: object, **options: object) -> None:
            raise OSError("reached " * 30)

    with pytest.raises(BadEnvironment, match=r"but got: (reached )+\.\.\.; check the network, or try again later\."):
        push_parser(saved, "someone/tiny", api=Talkative())  # type: ignore[arg-type]


def test_a_token_that_is_asked_for_and_absent(saved: Path) -> None:
    from huggingface_hub.errors import LocalTokenNotFoundError

    class Forgetful:
        def create_repo(self, *arguments: object, **options: object) -> None:
            raise LocalTokenNotFoundError("Token is required")

    with pytest.raises(BadEnvironment, match="somebody who is logged in, but got no valid token"):
        push_parser(saved, "someone/tiny", api=Forgetful())  # type: ignore[arg-type]


def test_the_card_of_a_parser(hub: LocalHub, saved: Path) -> None:
    push_parser(saved, "someone/tiny")
    _, front, text = hub.files("someone/tiny")["README.md"].decode().split("---\n", 2)
    assert yaml.safe_load(front) == {
        "license": "other",
        "license_name": "see-terms-of-use",
        "library_name": "mereo",
        "pipeline_tag": "image-segmentation",
        "tags": ["mereo", "image-segmentation", "semantic-segmentation", "scene-parsing"],
    }
    for words in (
        *("# Tiny streets\n", r"For a test \| with \<b\>tags\</b\>.", '"photograph.jpg", parser="hub:someone/tiny"'),
        *("## Terms of use\n\nfor any use\n", "| mean IoU | 51.2 % |", "On two scenes:", "drawn scenes"),
        *("--parser hub:someone/tiny", "→ `projection` → `pixel_classes`", "3 objects: "),
    ):
        assert words in text, words


def test_a_licence_that_the_hub_knows_is_named(hub: LocalHub, tmp_path: Path) -> None:
    push_parser(save_parser(tiny_parser(), tmp_path / "silent.safetensors"), "someone/tiny", terms="CC-BY-4.0")
    front = yaml.safe_load(hub.files("someone/tiny")["README.md"].decode().split("---\n")[1])
    assert front["license"] == "cc-by-4.0" and "license_name" not in front


def test_the_command(hub: LocalHub, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--private", "--message", "From a test", "--terms", "for any use"]
    assert run(["push", str(saved), "someone/tiny", *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("hub:someone/tiny: ") and printed[0].endswith("MB, terms: for any use")
    assert printed[1] == "load it: mereo parse photographs/ --parser hub:someone/tiny --out parsed"
    assert hub.repositories["someone/tiny"].is_private
    assert hub.repositories["someone/tiny"].commits[0][1] == "From a test"
    assert run(["models", "hub:someone/tiny"]) == 0
    assert "Tiny streets" in capsys.readouterr().out
    assert run(["push", str(saved), "nowhere"]) == 2
    assert "a parser must be pushed to OWNER/NAME, but got 'nowhere'" in capsys.readouterr().err
