"""`mereo parse PATHS... --out DIR`: photographs in, label maps, overlays, a page and a report out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mereo.drawing.parse_files import ParsedImage, SkippedImage

SKIPPED_SOME = 4


def parse(
    paths: Annotated[list[str], typer.Argument(help="Images, folders (with all folders in them), quoted patterns.")],
    out: Annotated[Path, typer.Option(help="The folder for index.html, report.json and the pictures.")],
    parser: Annotated[
        str | None, typer.Option(help="A built-in name, a parser file, or a run folder; left out: the default.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Longer side in pixels at which images are parsed, or full; left out: the parser's own."),
    ] = None,
    scales: Annotated[str, typer.Option(help="Comma-separated scales whose answers are averaged.")] = "1.0",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored image.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    max_pixels: Annotated[int, typer.Option(min=1, help="Larger images are skipped.")] = 64_000_000,
) -> None:
    """Parse photographs: label maps (PNG), overlays, an offline page and a report."""
    import time

    from mereo.commands.input_images import find_images
    from mereo.data.image_reading import SUFFIXES
    from mereo.drawing.parse_files import SkippedImage
    from mereo.drawing.text_lines import printable
    from mereo.errors import BadInput

    factors, working_side = parsed_scales(scales), parsed_size(size)
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out must be a folder, but got a file in {out}; name another folder.")
    inputs = find_images(paths, without=out)
    if not inputs.paths:
        tried = "; ".join(f"{printable(what)}: {reason}" for what, reason in inputs.missing)
        raise BadInput(f"paths must lead to at least one image ({', '.join(SUFFIXES)}), but got none ({tried}).")
    loaded = open_parser(parser, device)
    start = time.perf_counter()
    done: list[ParsedImage] = []
    skipped = [SkippedImage(what, reason) for what, reason in inputs.missing]
    settings = {"scales": list(factors), "flip": flip, "size": size or "the parser's own", "device": device}
    is_finished = False
    try:
        options = {"scales": factors, "flip": flip}
        _parse_all(loaded, inputs.paths, out, options, working_side, max_pixels, done, skipped)
        is_finished = True
    finally:
        # Whatever stops a long run (Ctrl-C, a full disk), what is done can be looked at. All bad: nothing is written.
        if done:
            name = parser or default_parser()
            _write_summary(loaded, name, out, settings, done, skipped, is_finished=is_finished)
    if not done:
        raise BadInput(
            f"at least one image must be readable, but got {len(skipped)} that are not; "
            f"the first: {printable(skipped[0].reason)}"
        )
    seconds = time.perf_counter() - start
    count = f"{len(done)} image{'s' if len(done) != 1 else ''}"
    typer.echo(f"{count} parsed in {seconds:.1f} s" + (f", {len(skipped)} skipped" if skipped else ""))
    typer.echo(f"found: {found_in_words(done)}")
    typer.echo(str(out / "index.html"))
    if skipped:
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
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"--size must be a number of pixels or full, but got {text!r}; e.g. 640.")
    return int(text)


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


def _parse_all(
    loaded: Any,
    paths: "Sequence[Path]",
    out: Path,
    options: dict[str, Any],
    working_side: int | str | None,
    max_pixels: int,
    done: "list[ParsedImage]",
    skipped: "list[SkippedImage]",
) -> None:
    """Fills `done` and `skipped`, one image after the other, so that one image is in memory at a time."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mereo.data.image_reading import read_image
    from mereo.drawing.file_stems import UniqueStems
    from mereo.drawing.parse_files import SkippedImage, save_for_page
    from mereo.drawing.text_lines import printable
    from mereo.errors import BadInput

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("parsing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    stems = UniqueStems()

    def tell(one: SkippedImage) -> None:
        console.print(
            f"skipped {printable(one.source)}: {printable(one.reason)}", markup=False, emoji=False, soft_wrap=True
        )

    for one in skipped:
        tell(one)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        for path in progress.track(paths):
            try:
                image_HWC = read_image(path, max_pixels=max_pixels)
                side = max(image_HWC.shape[:2]) if working_side == "full" else working_side
                result = loaded.parse(image_HWC, name=path.stem, working_side=side, **options)
            except BadInput as error:
                skipped.append(SkippedImage(str(path), str(error)))
                tell(skipped[-1])
                continue
            done.append(save_for_page(result, out, stem=stems.take(path.stem), source=str(path)))


def _write_summary(
    loaded: Any,
    parser_name: str,
    out: Path,
    settings: dict[str, Any],
    done: "Sequence[ParsedImage]",
    skipped: "Sequence[SkippedImage]",
    *,
    is_finished: bool,
) -> None:
    import platform
    from importlib import metadata

    from mereo.atomic_files import write_json
    from mereo.drawing.parse_page import write_parse_page
    from mereo.drawing.text_lines import without_surrogates
    from mereo.version import VERSION

    card = getattr(loaded, "card", None)
    terms = getattr(card, "terms", "") or ""
    report = {
        "mereo": VERSION,
        "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
        "parser": {"name": parser_name, "terms": terms},
        "settings": settings,
        "is_finished": is_finished,
        "taxonomy": {"name": loaded.taxonomy.name, "classes": loaded.taxonomy.object_names},
        "images": [image.to_dict() for image in done],
        "skipped": [one.to_dict() for one in skipped],
    }
    write_json(out / "report.json", without_surrogates(report))
    notes = [f"Made with Mereo {VERSION}."]
    if terms:
        notes.append(f"Terms of the parser: {terms}.")
    if not is_finished:
        notes.append("The run was stopped before its end.")
    write_parse_page(
        out / "index.html", done, skipped, taxonomy=loaded.taxonomy, parser_name=Path(parser_name).name, notes=notes
    )
