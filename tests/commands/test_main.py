"""The command line around the verbs: help, version, --debug, and every kind of failure as one line and an exit code."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from mereo.commands import main as command_line
from mereo.commands.own_command import own_command
from mereo.errors import BadEnvironment, BadInput
from mereo.version import VERSION

VERBS = ("parse", "train", "evaluate", "show", "table", "init", "doctor", "convert", "models", "data")


class OutOfMemoryError(RuntimeError):
    """Named as torch's, which this test need not load."""


@pytest.fixture
def failing_verb() -> Iterator[Callable[[BaseException], None]]:
    """`mereo fail` raises what it is given."""

    def add(error: BaseException) -> None:
        @command_line.app.command("fail")
        def fail() -> None:
            raise error

    before = list(command_line.app.registered_commands)
    yield add
    command_line.app.registered_commands[:] = before


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            BadInput("size must be even, but got 3 in a.yaml; use 4."),
            2,
            "mereo: size must be even, but got 3 in a.yaml",
        ),
        (BadEnvironment("port must be free, but got 80 in use; use --port."), 3, "mereo: port must be free"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 3, "runs/a must be usable.*No space.*free space"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/b"), 3, "runs/b must be usable.*Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "c.jpg"), 2, "c.jpg must be usable"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "d" * 300), 2, "File name too long"),
        (OSError("cannot read"), 3, "a file or device must be usable, but got: cannot read"),
        (MemoryError(), 3, "memory must suffice"),
        (OutOfMemoryError("CUDA out of memory"), 3, "memory must suffice"),
        (ModuleNotFoundError("No module named 'lancedb'", name="lancedb"), 3, "module lancedb must be installed"),
        (ModuleNotFoundError("No module named 'mereo.x'", name="mereo.x"), 1, "this is a bug in Mereo: ModuleNotFound"),
        (
            ZeroDivisionError("division by zero"),
            1,
            "this is a bug in Mereo: ZeroDivisionError: division by zero; .*--debug",
        ),
        (RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed. "), 3, "a worker .* must stay alive"),
        (BadInput("name must be plain, but got 'a\nb\x1b[31m'; rename it."), 2, r"'a\\nb\\x1b\[31m'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_failures_become_one_line_and_a_code(
    error: Exception, code: int, words: str, failing_verb: Callable, capsys: pytest.CaptureFixture
) -> None:
    import re

    failing_verb(error)
    assert command_line.run(["fail"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert re.search(words, err)
    assert "Traceback" not in err


@pytest.mark.parametrize("line", [["--debug", "fail"], ["fail", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(line: list[str], failing_verb: Callable) -> None:
    failing_verb(BadInput("size must be even, but got 3; use 4."))
    with pytest.raises(BadInput, match="size must be even"):
        command_line.run(line)


def test_the_own_command_has_every_argument_but_the_debug_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/mereo", "--debug", "train", "--", "my recipe.yaml", "--debug"])
    assert own_command() == "mereo train -- 'my recipe.yaml' --debug"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (typer.Exit(4), 4), (typer.Exit(0), 0)])
def test_other_ends(error: BaseException, code: int, failing_verb: Callable, capsys: pytest.CaptureFixture) -> None:
    failing_verb(error)
    assert command_line.run(["fail"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture) -> None:
    assert command_line.run(["--version"]) == 0
    assert capsys.readouterr().out == f"mereo {VERSION}\n"


def test_help_names_every_verb(capsys: pytest.CaptureFixture) -> None:
    assert command_line.run(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for verb in VERBS:
        assert any(line.split()[:1] == [verb] and len(line.split()) > 2 for line in lines), (
            f"{verb} has no line of help"
        )
    assert "completion" not in " ".join(lines)


@pytest.mark.parametrize("line", [["--help"], ["data", "--help"]])
def test_help_is_not_cut_at_80_columns(
    line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert command_line.run(line) == 0
    verbs = capsys.readouterr().out.partition("Commands:")[2]
    assert verbs and "..." not in verbs


@pytest.mark.parametrize(
    "verb", [["parse"], ["train"], ["evaluate"], ["show"], ["table"], ["init"], ["doctor"], ["models"]]
)
def test_every_verb_has_help(verb: list[str], capsys: pytest.CaptureFixture) -> None:
    assert command_line.run([*verb, "--help"]) == 0
    assert f"Usage: mereo {verb[0]}" in capsys.readouterr().out


def test_data_verbs_have_help(capsys: pytest.CaptureFixture) -> None:
    for verb in ("check", "draw"):
        assert command_line.run(["data", verb, "--help"]) == 0
        assert f"Usage: mereo data {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["prase"], "Did you mean 'parse'"),
        (["data", "chekc"], "Did you mean 'check'"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["doctor", "--no-such-option"], "No such option: --no-such-option"),
        (["show"], "Missing argument"),
    ],
)
def test_usage_errors(line: list[str], words: str, capsys: pytest.CaptureFixture) -> None:
    assert command_line.run(line) == 2
    assert words in capsys.readouterr().err


def mereo(*arguments: str, **options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mereo", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, stdin=subprocess.DEVNULL, **options)


def mereo_with_verb(body: str, **options: object) -> subprocess.Popen:
    """`mereo nap`, in a process of its own; `body` is what the verb does."""
    # The suite may itself run in the background of a script, where Ctrl-C is ignored and children inherit that.
    script = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script += (
        f"import sys, time\nfrom mereo.commands import main\n@main.app.command()\ndef nap() -> None:\n    {body}\n"
    )
    script += "sys.exit(main.run(['nap']))"
    return subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("language", [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_plain_terminals(language: dict[str, str], tmp_path: Path) -> None:
    ended = mereo("--help", env=os.environ | language | {"TERM": "dumb"}, cwd=tmp_path)
    assert ended.returncode == 0
    body = "raise FileNotFoundError(2, 'No such file', 'gespr\u00e4ch.yaml')"
    process = mereo_with_verb(body, env=os.environ | language, cwd=tmp_path)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert b"Traceback" not in err and len(err.splitlines()) == 1


def test_any_file_name_can_be_printed() -> None:
    process = mereo_with_verb(
        "print('gespr\u00e4ch', chr(0xDC80))", stdout=subprocess.PIPE, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.strip(), err) == (0, rb"gespr\xe4ch \udc80", b"")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "body", ["sys.stdout.write('x')", "print('x', flush=True)", "print('x' * 100_000)", "raise BrokenPipeError"]
)
def test_a_reader_that_goes_away_is_no_error(body: str) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = mereo_with_verb(body, stdout=write_end)
    os.close(write_end)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode in (0, 1)


@pytest.mark.skipif(os.name != "posix", reason="closes streams as a shell does")
@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_closed_streams_do_not_become_files(closed: tuple[int, ...], tmp_path: Path) -> None:
    """What a verb opens gets no number of a stream; output goes nowhere, and failures keep their code."""
    body = "f = open('data', 'w'); sys.stderr.write('lost'); print('lost'); f.write(str(f.fileno()))"
    for line, code in ((body, 0), ("raise FileNotFoundError(2, 'No such file', 'x')", 2)):
        script = f"import sys\nfrom mereo.commands import main\n@main.app.command()\ndef nap() -> None:\n    {line}\n"
        script += "sys.argv = ['mereo', 'nap']\nmain.main()"
        closing = " ".join(f"{number}>&-" if number else "<&-" for number in closed)
        ended = subprocess.run(
            ["sh", "-c", f'exec "$0" -c "$1" {closing}', sys.executable, script], cwd=tmp_path, check=False
        )
        assert ended.returncode == code
    assert int((tmp_path / "data").read_text()) > 2


def test_interrupt_outside_of_a_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_run_verb", interrupted)
    assert command_line.run(["models"]) == 130


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_interrupt_ends_with_130_and_no_traceback() -> None:
    # A verb that only sleeps, so that the signal surely falls into it.
    process = mereo_with_verb("print('asleep', flush=True), time.sleep(60)", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"asleep\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 130
