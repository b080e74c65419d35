"""`mereo parse PATHS...`: photographs in, label maps, overlays, a page and a report out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.out_folder import require_out_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mereo.drawing.parse_files import ParsedImage
    from mereo.parser.asking.tiled_parsing import TileSide

SKIPPED_SOME = 4
MOST_NAMED = 5  # Of arguments that lead to no image; more would hide the sentence.


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
        typer.Option(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME; left out: street."),
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
    ] = 64_000_000,
) -> None:
    """Parse photographs: label maps (PNG), overlays, an offline page and a report."""
    import time

    from mereo.commands.input_images import find_images
    from mereo.commands.parse_images import ParseRun, ParseSettings
    from mereo.data.pictures.image_reading import SUFFIXES
    from mereo.drawing.text_lines import printable
    from mereo.errors import BadInput

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
    if not inputs.paths:
        tried = "; ".join(f"{printable(what)}: {reason}" for what, reason in inputs.missing[:MOST_NAMED])
        if len(inputs.missing) > MOST_NAMED:
            tried += f"; and {len(inputs.missing) - MOST_NAMED} more"
        raise BadInput(f"paths must lead to at least one image ({', '.join(SUFFIXES)}), but got none ({tried}).")
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
        raise typer.Exit(SKIPPED_SOME)


def open_parser(name: str | None, device: str) -> Any:
    """The loaded parser: anything with `.taxonomy` and `.parse(image, name=, scales=, flip=, working_side=)`."""
    from mereo.parser.devices import require_device
    from mereo.parser.weights import load

    return load(name or default_parser(), device=require_device(device))


def default_parser() -> str:
    from mereo.parser.weights import DEFAULT_PARSER

    return DEFAULT_PARSER


def parsed_scales(text: str) -> tuple[float, ...]:
    from mereo.errors import BadInput

    try:
        factors = tuple(float(part) for part in text.split(","))
    except ValueError:
        factors = ()
    if not factors or not all(0 < factor <= 8 for factor in factors):
        raise BadInput(f"--scales must be numbers above 0 and up to 8, but got {text!r}; e.g. 0.75,1.0,1.25.")
    return factors


def parsed_size(text: str | None) -> int | str | None:
    from mereo.errors import BadInput

    if text is None or text == "full":
        return text
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise BadInput(f"--size must be a number of pixels or full, but got {text!r:.80}; e.g. 640.")
    return int(text)


def parsed_tile(text: str | None) -> "TileSide | None":
    from mereo.errors import BadInput

    if text is None:
        return None
    if text == "auto":
        return "auto"
    if not text.isdecimal() or len(text) > 9 or int(text) < 64:
        raise BadInput(f"--tile must be a number of pixels from 64 up or auto, but got {text!r:.80}; e.g. 1024.")
    return int(text)


def warned_in_words(images: "Sequence[ParsedImage]", *, most: int = MOST_NAMED) -> list[str]:
    """Each warning with its image; of many only some, since the page and the report have them all."""
    from mereo.drawing.text_lines import printable

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
