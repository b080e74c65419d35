"""What a command with `--max-pixels` advises about a picture beyond the cap; the others leave it to the reader."""

RAISE_CAP = "raise --max-pixels, or make it smaller"
# Only a TIFF can be read in bands, so a PNG of that size is helped by no --tile.
RAISE_OR_TILE = "raise --max-pixels, or parse it as a TIFF with --tile auto"
