"""`mereo convert hf:OWNER/NAME --out FILE`: a Hugging Face checkpoint as a parser file."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    checkpoint: Annotated[
        str, typer.Argument(help="hf:OWNER/NAME, or a folder with config.json and model.safetensors.")
    ],
    out: Annotated[Path, typer.Option(help="The parser file to write, e.g. ade20k.safetensors.")],
    things: Annotated[
        str | None,
        typer.Option(help="Comma-separated classes that can be counted, or all: their instances are answered, too."),
    ] = None,
) -> None:
    """Convert a MaskFormer, Mask2Former or UperNet checkpoint of transformers into a parser file.

    Only safetensors are read, never a pickle. The checkpoint's own licence applies to the file.
    """
    from mereo.errors import BadInput
    from mereo.parser.hugging_face.conversion import load_hugging_face
    from mereo.parser.weights import save_parser

    if out.is_dir():
        raise BadInput(f"--out must be a file, but got a folder in {out}; name a file in it.")
    named = tuple(one.strip() for one in things.split(",") if one.strip()) if things else ()
    parser = load_hugging_face(checkpoint, things=named)
    save_parser(parser, out)
    typer.echo(f"{out}: {parser.taxonomy.num_objects} classes, {out.stat().st_size / 1e6:.1f} MB")
    if parser.card is not None:
        typer.echo(f"terms: {parser.card.terms}")
