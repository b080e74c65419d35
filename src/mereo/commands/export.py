"""`mereo export PARSER --out parser.onnx`: a parser as one ONNX file, for runtimes without Python or torch."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    parser: Annotated[str, typer.Argument(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME.")],
    out: Annotated[Path, typer.Option(help="The file to write, e.g. parser.onnx.")],
) -> None:
    """Export a parser as one ONNX file: any batch, any height and width, pixels in, class scores out.

    What cannot be one graph (superpixels, sorted segments, mask queries) is refused by name. The file is compared with
    the parser in ONNX Runtime before it is moved into place. Needs pip install 'mereo[export]'.
    Example: mereo export runs/mine --out parser.onnx
    """
    from mereo.commands.parse import open_parser
    from mereo.parser.export.onnx_file import exported, save_onnx
    from mereo.parser.export.onnx_libraries import require_onnx_libraries
    from mereo.parser.export.refusals import left_out

    require_onnx_libraries()
    require_onnx_place(out)
    loaded = open_parser(parser, "cpu")
    made = exported(loaded)
    save_onnx(made, out)
    typer.echo(f"{out}: {loaded.taxonomy.num_objects} classes, {len(made.content) / 1e6:.1f} MB")
    typer.echo(
        f"compared with the parser: {made.agreement.num_pictures} pictures, the same classes, scores within "
        f"{made.agreement.largest_difference:.1g} of their range"
    )
    missing = left_out(loaded)
    if missing:
        typer.echo(f"not in the file: {', '.join(missing)}")
    if loaded.card is not None:
        typer.echo(f"terms: {loaded.card.terms}")


def require_onnx_place(out: Path) -> None:
    """Told before minutes of work: a name that says what the file is, in a place where a file may stand."""
    from mereo.errors import BadInput

    if out.suffix != ".onnx":
        raise BadInput(f"--out must end in .onnx, but got {str(out)!r:.200}; e.g. parser.onnx.")
    if out.is_dir():
        raise BadInput(f"--out must be a file, but got a folder in {out}; name a file in it.")
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir():
        raise BadInput(f"--out must lie in a folder, but got a file in {above}; choose another place.")
