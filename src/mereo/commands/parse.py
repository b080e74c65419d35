"""`mereo parse PATHS...`: photographs in, label maps, overlays, a page and a report out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.out_folder import require_out_folder
from mereo.commands.parse_options import parsed_scales, parsed_size, parsed_tile
from mereo.errors import BadInput, ExitCode
from mereo.picture_sizes import MAX_PIXELS
from mereo.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mereo.drawing.parse_files import ParsedImage

MOST_NAMED = 5  # Of warnings; the page has them all.


class OnBad(StrEnum):
    skip = "skip"
    stop = "stop"


def parse(
    paths: Annotated[list[str], typer.Argument(help="Images, folders (with all folders in them), quoted patterns.")],
    out: Annotated[Path, typer.Option(help="The folder for index.html, report.json and the pictures.")] = Path(
        "parsed"
    ),
    parser: Annotated[
        str | None,
        typer.Option(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME; left out: everyday."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Longer side in pixels at which images are parsed, or full; left out: the parser's own."),
    ] = None,
    scales: Annotated[str, typer.Option(help="Comma-separated scales whose answers are averaged.")] = "1.0",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored image.")] = False,
    tile: Annotated[
        str | None,
        typer.Option(help="Parse at full size (or --size) in overlapping tiles: a side in pixels, or auto."),
    ] = None,
    unsure: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Hatch pixels of less confidence, and write them as a mask; e.g. 0.5."),
    ] = None,
    on_bad: Annotated[OnBad, typer.Option(help="What a bad image does: is skipped and named, or stops the run.")] = (
        OnBad.skip
    ),
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Larger images are skipped; larger TIFFs too, unless --tile reads them in bands.")
    ] = MAX_PIXELS,
) -> None:
    """Parse photographs: label maps (PNG), overlays, an offline page and a report."""
    import time

    from mereo.commands.input_images import find_images
    from mereo.commands.parse_images import ParseRun, ParseSettings

    settings = ParseSettings(
        scales=parsed_scales(scales),
        flip=flip,
        size=parsed_size(size),
        tile=parsed_tile(tile),
        max_pixels=max_pixels,
        stops_on_bad=on_bad is OnBad.stop,
        unsure_below=unsure,
    )
    require_out_folder(out)
    inputs = find_images(paths, without=out)
    inputs.require_any()
    name = parser or default_parser()
    run = ParseRun(open_parser(name, device), name, out, settings)
    start = time.perf_counter()
    run.parse_all(inputs)
    if not run.done:
        raise BadInput(
            f"at least one image must be readable, but got {len(run.skipped)} that are not; "
            f"the first: {printable(run.skipped[0].reason)}"
        )
    seconds = time.perf_counter() - start
    count = f"{len(run.done)} image{'s' if len(run.done) != 1 else ''}"
    typer.echo(f"{count} parsed in {seconds:.1f} s" + (f", {len(run.skipped)} skipped" if run.skipped else ""))
    typer.echo(f"found: {found_in_words(run.done)}")
    for line in warned_in_words(run.done):
        typer.echo(line, err=True)
    typer.echo(str(out / "index.html"))
    if run.skipped:
        raise typer.Exit(ExitCode.LEFT_SOME_OUT)


def open_parser(name: str | None, device: str) -> Any:
    """The loaded parser: anything with `.taxonomy` and `.parse(image, name=, scales=, flip=, working_side=)`."""
    from mereo.parser.devices import require_device
    from mereo.parser.weights import load

    return load(name or default_parser(), device=require_device(device))


def default_parser() -> str:
    from mereo.parser.weights import DEFAULT_PARSER

    return DEFAULT_PARSER


def warned_in_words(images: "Sequence[ParsedImage]", *, most: int = MOST_NAMED) -> list[str]:
    """Each warning with its image; of many only some, since the page and the report have them all."""
    told = [f"warning: {printable(image.source)}: {text}" for image in images for text in image.warnings]
    more = [f"warning: {len(told) - most} more are in report.json"] if len(told) > most else []
    return told[:most] + more


def found_in_words(images: "Sequence[ParsedImage]", *, most: int = 8) -> str:
    """Mean share of each class over all images, the largest first."""
    from mereo.drawing.legend import percent

    shares: dict[str, float] = {}
    for image in images:
        for segment in image.segments:
            shares[segment.name] = shares.get(segment.name, 0.0) + segment.share / len(images)
    largest = sorted(shares.items(), key=lambda item: -item[1])
    more = f", and {len(largest) - most} more" if len(largest) > most else ""
    return ", ".join(f"{name} {percent(share)}" for name, share in largest[:most]) + more
