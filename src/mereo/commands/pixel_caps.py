"""`--max-pixels`, and what a command that has it advises about a picture beyond the cap."""

from typing import Annotated

import typer

MaxPixels = Annotated[int, typer.Option(min=1, help="Larger photographs are refused.")]

RAISE_CAP = "raise --max-pixels, or make it smaller"
# Only a TIFF can be read in bands, so a PNG of that size is helped by no --tile.
RAISE_OR_TILE = "raise --max-pixels, or parse it as a TIFF with --tile auto"
