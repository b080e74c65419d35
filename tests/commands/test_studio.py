"""`mereo studio` and `mereo serve`: one line with the address, an answer there, and a clean end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import tiny_parser

from mereo.commands import studio
from mereo.commands.main import run
from mereo.commands.studio import index_beside, is_usable_token, made_token, names_of, opened_shelf
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import save_parser


@pytest.fixture(scope="module")
def parser_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    card = ModelCard(title="Tiny", terms="free")
    return save_parser(tiny_parser(), tmp_path_factory.mktemp("parsers") / "tiny.safetensors", card=card)


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """In a process of its own, as a shell in the foreground starts it; and the first line that it prints."""
    command = [sys.executable, "-m", "mereo", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # Python leaves SIGINT alone where it finds it ignored, as it is in the background of some shells.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def asked(address: str, **headers: str) -> Any:
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, answer.read()


@pytest.mark.slow
def test_the_studio_prints_its_address_answers_there_and_ends_on_interrupt(parser_file: Path, tmp_path: Path) -> None:
    with started("studio", str(tmp_path), "--port", "0", "--parser", str(parser_file)) as (process, line):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", line), process.stderr.read() if not line else line
        status, page = asked(line)
        assert status == 200 and b"<title>Mereo studio</title>" in page
        told = json.loads(asked(f"{line}v1/parsers")[1])
        assert [one["name"] for one in told["parsers"]] == ["tiny"] and told["labels"] is True
        process.send_signal(signal.SIGINT)
        rest, problems = process.communicate(timeout=20)
    assert process.returncode in (0, 130)
    assert rest == "" and "Traceback" not in problems and "Error" not in problems


@pytest.mark.slow
def test_the_service_on_every_address_makes_a_token_and_has_no_page(parser_file: Path) -> None:
    with started("serve", "--port", "0", "--host", "0.0.0.0", "--parser", str(parser_file)) as (process, line):
        found = re.fullmatch(r"http://[^/]+:(\d+)/\?token=([\w-]{20,})", line)
        assert found is not None, line
        address = f"http://127.0.0.1:{found[1]}"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            asked(f"{address}/v1/parsers")
        assert asked(f"{address}/v1/parsers", Authorization=f"Bearer {found[2]}")[0] == 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            asked(f"{address}/", Authorization=f"Bearer {found[2]}")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            asked(f"{address}/v1/parsers", Host="evil.example", Authorization=f"Bearer {found[2]}")
        start = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        _, problems = process.communicate(timeout=20)
    assert time.perf_counter() - start < 10 and "Traceback" not in problems


def test_a_port_that_is_taken_is_told_with_one_that_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for verb in ("studio", "serve"):
            assert run([verb, "--port", str(port)]) == 3
            told = capsys.readouterr().err
            found = re.search(
                rf"--port must be one that is free on 127.0.0.1, but got {port}: .*; pass --port (\d+)", told
            )
            assert found is not None and int(found[1]) > port, told


@pytest.mark.parametrize(
    ("arguments", "code", "match"),
    [
        (["studio", "nowhere"], 2, "FOLDER must be a folder of photographs, but got 'nowhere'"),
        (["studio", "--parser", "nobody", "--port", "0"], 2, "parser must be a built-in name, a parser file or a run"),
        (["studio", "--host", "no.such.host.invalid"], 2, "--host must be a name or address of this machine"),
        (["serve", "--token", "short"], 2, "--token must be 8 or more letters, digits, - or _, but got another"),
        (["serve", "--token", "with spaces and; more"], 2, "--token must be 8 or more letters"),
        (["serve", "--host", "192.0.2.1", "--port", "0"], 3, "--port must be one that is free on 192.0.2.1, but got 0"),
        (["studio", "--port", "0", "--index", "nowhere.index"], 2, "an index must be a folder that"),
        (["studio", "--port", "70000"], 2, "Invalid value for '--port'"),
        (["studio", "--device", "abacus", "--port", "0"], 2, "device must be auto, cpu, cuda or mps, but got 'abacus'"),
    ],
)
def test_what_cannot_be_started_is_told(
    arguments: list[str], code: int, match: str, capsys: pytest.CaptureFixture[str], parser_file: Path
) -> None:
    others = [] if "--parser" in arguments else ["--parser", str(parser_file)]
    assert run([*arguments, *others]) == code
    assert match in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else find_spec(name))
    assert run(["studio"]) == 3
    assert "got no fastapi; pip install 'mereo[web]'" in capsys.readouterr().err


def test_parsers_are_called_by_the_ends_of_their_paths(parser_file: Path) -> None:
    assert opened_shelf(None, "cpu").names == ("everyday", "concepts", "drawn", "street"), "the default of the package"
    shelf = opened_shelf(["street", str(parser_file), str(parser_file)], "cpu")
    assert shelf.names == ("street", "tiny", "tiny-2") and shelf.default == "street"


def test_a_token_is_made_beyond_loopback_alone() -> None:
    assert made_token("127.0.0.1") is None and made_token("localhost") is None and made_token("::1") is None
    token = made_token("0.0.0.0")
    assert token is not None and is_usable_token(token) and made_token("0.0.0.0") != token


def test_names_that_the_service_goes_by() -> None:
    assert names_of("127.0.0.1", []) == {"localhost", "127.0.0.1", "::1"}
    beyond = names_of("0.0.0.0", ["studio.example:443"])
    assert {"*", "studio.example", socket.gethostname().lower()} <= beyond


@pytest.fixture
def holiday(tmp_path: Path) -> Path:
    """A folder, and beside it an index of it."""
    pytest.importorskip("lancedb", reason="the extra index is not installed")
    sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
    from tiny_index import build, photographs

    photographs(tmp_path / "holiday", 2)
    build(tmp_path / "holiday.index", tmp_path / "holiday")
    return tmp_path / "holiday"


def test_an_index_beside_the_folder_is_found(holiday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert index_beside(None) is None
    assert index_beside(holiday) == holiday.with_name("holiday.index")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("leaves", [[], ["index.lock"], ["index.lock", "segments.lance/data/a.lance"], None])
def test_what_a_killed_build_left_beside_the_folder_is_no_index(
    leaves: list[str] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "holiday").mkdir()
    for name in leaves or []:
        path = tmp_path / "holiday.index" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    if leaves == []:
        (tmp_path / "holiday.index").mkdir()
    assert index_beside(tmp_path / "holiday") is None
    assert capsys.readouterr() == ("", "")


def test_a_broken_index_that_was_only_found_is_a_warning(holiday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for manifest in holiday.with_name("holiday.index").rglob("*.manifest"):
        manifest.write_bytes(manifest.read_bytes()[:20])
    assert index_beside(holiday) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {holiday}.index cannot be searched: an index must be whole, but got ")
    # One that was asked for ends the command.
    assert run(["studio", "--port", "0", "--index", f"{holiday}.index"]) == 2


def test_without_the_extra_an_index_beside_the_folder_is_a_warning(
    holiday: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lancedb" else find_spec(name))
    assert index_beside(holiday) is None
    (line,) = capsys.readouterr().err.splitlines()
    remedy = "pip install 'mereo[index]' installs it"
    assert line.endswith(f"holiday.index cannot be searched: there is no LanceDB; {remedy}")


@pytest.mark.parametrize("has_display", [True, False])
def test_a_browser_is_opened_where_there_is_a_display(has_display: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0" if has_display else "")
    assert studio.has_display() is has_display
