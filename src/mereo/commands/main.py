"""The `mereo` command: its verbs, and how every failure becomes one line and an exit code (errors.py has the codes).

Verb files import nothing heavy at their top, so that `mereo --help` needs no torch.
"""

import errno
import os
import sys
from typing import Annotated, Any

import typer

from mereo.commands.bench import bench
from mereo.commands.convert import convert
from mereo.commands.data_affinity import affinity
from mereo.commands.data_check import check
from mereo.commands.data_draw import draw
from mereo.commands.data_prepare import prepare
from mereo.commands.doctor import doctor
from mereo.commands.evaluate import evaluate
from mereo.commands.explain import explain
from mereo.commands.export import export
from mereo.commands.group import group
from mereo.commands.index import index_app
from mereo.commands.init import init
from mereo.commands.models import models
from mereo.commands.own_command import without_debug
from mereo.commands.panoptic import panoptic_quality
from mereo.commands.parse import parse
from mereo.commands.push import push
from mereo.commands.serve import serve
from mereo.commands.show import show
from mereo.commands.standard_streams import open_closed_streams
from mereo.commands.studio import studio
from mereo.commands.table import table
from mereo.commands.train import train
from mereo.commands.transfer import transfer
from mereo.commands.version import print_version
from mereo.errors import (
    ExitCode,
    MereoError,
    dead_worker,
    exit_code_of,
    is_dead_worker,
    is_missing_package,
    is_out_of_memory,
)
from mereo.text_lines import printable

# What to do about an OSError; of all others: look at it.
HINTS = {
    errno.ENOSPC: "free space, or choose another place",
    errno.EDQUOT: "free space, or choose another place",
    errno.EACCES: "check its permissions, or choose another place",
    errno.EPERM: "check its permissions, or choose another place",
    errno.ENOENT: "check its name",
}
# Plain help: no boxes, the same in a pipe, in a log and under LANG=C.
PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}
app = typer.Typer(name="mereo", help="Parse images into wholes and parts: regions, parts, objects, scenes.", **PLAIN)
data_app = typer.Typer(name="data", help="Check labelled data; say what it can train; draw some.", **PLAIN)


@app.callback()
def every_verb(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole traceback of an error; may stand anywhere on the line.")
    ] = False,
) -> None:
    pass


# In the list of verbs each has one line of at most 66 letters, so that it fits into 80 columns uncut.
for verb, line in (
    (parse, "Parse photographs into label maps, overlays and an offline page."),
    (train, "Train a parser as a recipe says, or go on with a stopped run."),
    (evaluate, "Measure a parser on labelled images, class by class."),
    (transfer, "Fine-tune a parser's features on instances; box and mask AP."),
    (explain, "Explain one answer: what was changed, and what made it."),
    (group, "Group a photograph's superpixels; choose groups by clicks."),
    (studio, "Open a page to parse, look, click, correct and search."),
    (serve, "Serve parsers over HTTP, without the page."),
    (show, "Print a recipe with every default, or what a parser file holds."),
    (table, "Put results of run folders into one table."),
    (init, "Look at a labelled folder; write its taxonomy and a recipe."),
    (doctor, "Check this installation: packages, devices, disk, parsers."),
    (convert, "Turn a Hugging Face checkpoint into a parser file."),
    (export, "Export a parser as one ONNX file, compared in ONNX Runtime."),
    (push, "Push a parser to the Hugging Face hub; hub:OWNER/NAME loads it."),
    (models, "List built-in parsers: classes, terms of use, quality."),
):
    app.command(short_help=line)(verb)
# What bench does not know is for the benchmark.
app.command(
    short_help="Run a benchmark beside its peers (from a clone of the source).",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(bench)
for data_verb, line in (
    (check, "Count ids, pairs and sizes; name the file and pixel at fault."),
    (draw, "Draw a labelled data set of streets, rooms and fields."),
    (affinity, "Count which classes occur together in training images."),
    (prepare, "Say what data can train; check hashes; write a recipe of it."),
):
    data_app.command(short_help=line)(data_verb)
data_app.command("quality", short_help="Panoptic quality of COCO-panoptic answers.")(panoptic_quality)
app.add_typer(data_app)
app.add_typer(index_app(**PLAIN))


def main() -> None:
    open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code."""
    arguments, is_debug = without_debug(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold bytes that the terminal's encoding lacks; printing it must not be what fails.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run_verb(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader (head, less) went away. Python flushes stdout once more at exit; give it somewhere to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if is_debug:
            raise
        typer.echo(f"mereo: {printable(explained(error))}", err=True)
        return exit_code_of(error)


def explained(error: Exception) -> str:
    """The sentence for an error that ended the command.

    >>> explained(OSError(errno.ENOSPC, "No space left on device", "runs/a.png"))
    'runs/a.png must be usable, but got: No space left on device; free space, or choose another place.'
    """
    if is_dead_worker(error):  # Told a second time, while the run was ending because of it.
        error = dead_worker(error)
    if isinstance(error, MereoError):
        return str(error)
    if isinstance(error, OSError):
        hint = HINTS.get(error.errno or 0, "look at it")
        what = error.filename if error.filename is not None else "a file or device"
        return f"{what} must be usable, but got: {error.strerror or error}; {hint}."
    if is_out_of_memory(error):
        return "memory must suffice, but it ran out; use a smaller image, crop or batch, or another device."
    if is_missing_package(error):
        return f"module {error.name} must be installed, but is missing; install Mereo again, `mereo doctor` says more."
    return f"this is a bug in Mereo: {type(error).__name__}: {error}; run again with --debug and report it."


def _run_verb(arguments: list[str]) -> int:
    try:
        typer.main.get_command(app).main(args=arguments, prog_name="mereo")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.DONE
    return ExitCode.DONE
