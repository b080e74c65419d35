"""`mereo explain IMAGE` with a view: why a parser answers what it answers, as pictures and a page."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.explained_affinity import explained_affinity
from mereo.commands.explained_heat import explained_heat
from mereo.commands.explained_levels import explained_levels
from mereo.commands.explained_segments import explained_segments
from mereo.commands.explained_tokens import explained_tokens
from mereo.commands.made_with import made_with, terms_of
from mereo.commands.out_folder import require_out_folder
from mereo.commands.pixel_caps import RAISE_CAP, MaxPixels
from mereo.picture_sizes import MAX_PIXELS


def explain(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    affinity: Annotated[
        bool,
        typer.Option(
            "--affinity",
            help="Which regions support and suppress each other (class_affinity; recipes/drawn_affinity.yaml trains a "
            "parser that has it, without data).",
        ),
    ] = False,
    tokens: Annotated[
        bool,
        typer.Option("--tokens", help="What the tokens look at (concept_tokens, global_reasoning_unit, mask queries)."),
    ] = False,
    levels: Annotated[
        bool, typer.Option("--levels", help="Which level of a pyramid answers where (semantic_pyramid).")
    ] = False,
    segments: Annotated[
        bool, typer.Option("--segments", help="How segments merged into things and stuff (segment_sorting).")
    ] = False,
    why: Annotated[
        str | None,
        typer.Option(help="Which groups speak for a class (deep_grouping): TASK=CLASS, e.g. object=road."),
    ] = None,
    parser: Annotated[
        str | None,
        typer.Option(
            help="A built-in name, parser file, run folder, or hub:OWNER/NAME; left out: everyday. Views "
            "need a parser with what their brackets name: everyday for --why and --segments, concepts for --tokens."
        ),
    ] = None,
    at: Annotated[str | None, typer.Option(help="Ask about this pixel of the photograph: X,Y.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for index.html, the pictures and explanation.json.")] = Path(
        "explained"
    ),
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Explain one answer: what the parser first thought and what changed it, what its tokens look at, how
    large the cells are that answer, how segments merged, or which groups speak for a class.

    Example: mereo explain street.jpg --affinity --parser runs/drawn_affinity --at 120,80
    """
    from mereo.commands.parse import open_parser
    from mereo.data.pictures.image_reading import read_image
    from mereo.errors import BadInput

    views = (
        (explained_affinity, affinity),
        (explained_tokens, tokens),
        (explained_levels, levels),
        (explained_segments, segments),
        (partial(explained_heat, question=why or ""), why is not None),
    )
    chosen = [view for view, is_asked in views if is_asked]
    if len(chosen) != 1:
        got = f"{len(chosen)} views" if chosen else "no view"
        raise BadInput(
            f"explain must know what to explain, but got {got}; give --affinity, --tokens, "
            "--levels, --segments or --why."
        )
    require_out_folder(out)
    point = None if at is None else parsed_point(at)
    image_HWC = read_image(image, max_pixels=max_pixels, advice=RAISE_CAP)
    loaded = open_parser(parser, device)
    notes = made_with(terms_of(loaded))
    for line in chosen[0](loaded, image_HWC, image=image, point=point, out=out, notes=notes):
        typer.echo(line)


def parsed_point(text: str) -> tuple[int, int]:
    """
    >>> parsed_point("120,80")
    (120, 80)
    """
    from mereo.errors import BadInput

    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise BadInput(f"--at must be two whole numbers X,Y, but got {text!r:.80}; e.g. 120,80.")
    return int(parts[0]), int(parts[1])
