"""`mereo index build FOLDER` and `mereo index add INDEX PATHS`: photographs into an index of their segments."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mereo.commands.device_help import DEVICE
from mereo.errors import ExitCode
from mereo.picture_sizes import MAX_PIXELS
from mereo.text_lines import printable

if TYPE_CHECKING:
    from mereo.commands.input_images import InputImages
    from mereo.retrieval.index_building import IndexReport
    from mereo.retrieval.index_facts import IndexFacts
    from mereo.retrieval.parse_segments import ParseSegments

PRUNE = "Also drop the rows of photographs whose files are gone."
TOO_LARGE = "Larger images are skipped."


def build(
    folder: Annotated[Path, typer.Argument(help="A folder of photographs, with all folders in it.")],
    parser: Annotated[
        str | None,
        typer.Option(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME; left out: everyday."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the index; left out: FOLDER.index beside it.")] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Longer side in pixels at which images are parsed; left out: the parser's, or the index's."
        ),
    ] = None,
    least_share: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.99, help="Segments below this share of their photograph go; left out: 0.0005, or the index's."
        ),
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help=PRUNE)] = False,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: Annotated[int, typer.Option(min=1, help=TOO_LARGE)] = MAX_PIXELS,
) -> None:
    """Index the segments of a folder's photographs. Run again, only what is new or changed is parsed; killed at any
    moment, the same command goes on.

    Example: mereo index build photographs --out photographs.index
    """
    from mereo.commands.index_source import opened_source, require_index_settings, source_of_index
    from mereo.errors import BadInput
    from mereo.retrieval.index_facts import IndexFacts, relative_root
    from mereo.retrieval.lance_library import lancedb_library
    from mereo.retrieval.parse_segments import LEAST_SHARE, ParseSegmentsConfig
    from mereo.retrieval.segment_index import SegmentIndex, is_index

    if out is not None and os.path.realpath(out) == os.path.realpath(folder):
        raise BadInput(f"--out must be another folder than that of the photographs, but got {out}; leave it out.")
    if not folder.is_dir():
        raise BadInput(f"build must be given a folder, but got {str(folder)!r}; `mereo index add` takes files.")
    lancedb_library()  # Before a parser is loaded: it may not be installed.
    index_folder = out or Path(os.path.realpath(folder) + ".index")
    inputs = _found_images([str(folder)], index_folder, prunes=prune)
    if is_index(index_folder):
        facts = SegmentIndex.open(index_folder).facts
        facts.require_root(relative_root(index_folder, folder), folder=index_folder)
        # Whoever goes on need not say again what the index knows.
        require_index_settings(index_folder, facts.settings, least_share=least_share, size=size)
        source = source_of_index(index_folder, facts, parser, device)
    else:
        share = LEAST_SHARE if least_share is None else least_share
        settings = ParseSegmentsConfig(least_share=share, working_side=size).model_dump()
        name = _parser_name(parser)
        source = opened_source(name, device, settings)
        root = relative_root(index_folder, folder)
        facts = IndexFacts(source.fingerprint, name, root, source.taxonomy, settings)
    _add_and_tell(index_folder, inputs, source, facts, prunes=prune, max_pixels=max_pixels)


def add(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    paths: Annotated[list[str], typer.Argument(help="Images, folders (with all folders in them), quoted patterns.")],
    parser: Annotated[
        str | None, typer.Option(help="Where the index's own parser lies now; left out: where it lay.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help=PRUNE)] = False,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: Annotated[int, typer.Option(min=1, help=TOO_LARGE)] = MAX_PIXELS,
) -> None:
    """Add photographs to an index; the same bytes again change nothing.

    Example: mereo index add photographs.index more/*.jpg
    """
    from mereo.commands.index_source import source_of_index
    from mereo.retrieval.segment_index import SegmentIndex

    facts = SegmentIndex.open(index).facts
    inputs = _found_images(paths, index, prunes=prune)
    source = source_of_index(index, facts, parser, device)
    _add_and_tell(index, inputs, source, facts, prunes=prune, max_pixels=max_pixels)


def _found_images(arguments: list[str], index_folder: Path, *, prunes: bool) -> "InputImages":
    """Before a parser is loaded: there may be none. A folder that is empty now may still be pruned."""
    from mereo.commands.input_images import find_images
    from mereo.retrieval.segment_index import is_index

    inputs = find_images(arguments, without=index_folder)
    if not (prunes and is_index(index_folder)):
        inputs.require_any()
    return inputs


def _parser_name(parser: str | None) -> str:
    """As the index remembers it: a path must lead there from any folder."""
    from mereo.commands.parse import default_parser

    if parser is None:
        return default_parser()
    return os.path.abspath(parser) if os.path.exists(parser) else parser


def _add_and_tell(
    index_folder: Path,
    inputs: "InputImages",
    source: "ParseSegments",
    facts: "IndexFacts",
    *,
    prunes: bool,
    max_pixels: int,
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mereo.commands.pixel_caps import RAISE_CAP
    from mereo.retrieval.index_building import add_to_index
    from mereo.retrieval.segment_index import SegmentIndex, is_index

    console = Console(stderr=True, highlight=False)

    def tell(what: str, reason: str) -> None:
        line = f"skipped {printable(what)}: {printable(reason)}"
        console.print(line, markup=False, emoji=False, soft_wrap=True)

    for what, reason in inputs.missing:
        tell(what, reason)
    columns = (TextColumn("indexing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        paths = progress.track(inputs.paths)
        report = add_to_index(
            index_folder,
            paths,
            source=source,
            facts=facts,
            max_pixels=max_pixels,
            too_large=RAISE_CAP,
            prunes=prunes,
            on_skip=tell,
        )
    report.skipped += inputs.missing
    if not is_index(index_folder):
        _refuse_unreadable(report)
    typer.echo(report_in_words(report))
    typer.echo(f"{len(SegmentIndex.open(index_folder)):,} segments in {index_folder}")
    if report.skipped:
        raise typer.Exit(ExitCode.LEFT_SOME_OUT)


def report_in_words(report: "IndexReport") -> str:
    """
    >>> from mereo.retrieval.index_building import IndexReport
    >>> report_in_words(IndexReport(added=["a"], unchanged=["b", "c"]))
    '1 image added, 2 as before'
    """
    counts = (
        (len(report.added), "added"),
        (len(report.changed), "changed"),
        (len(report.moved), "moved"),
        (len(report.unchanged), "as before"),
        (len(report.copies), "with the same bytes as another"),
        (len(report.without_segments), "without segments"),
        (len(report.dropped), "dropped"),
        (len(report.skipped), "skipped"),
    )
    parts = [f"{count} {word}" for count, word in counts if count] or ["0 added"]
    number, words = parts[0].split(" ", 1)
    return ", ".join([f"{number} image{'s' if number != '1' else ''} {words}", *parts[1:]])


def _refuse_unreadable(report: "IndexReport") -> None:
    from mereo.errors import BadInput

    first = f"; the first: {printable(report.skipped[0][1])}" if report.skipped else "; none has a segment."
    raise BadInput(f"at least one image must be readable, but got {len(report.skipped)} that are not{first}")
