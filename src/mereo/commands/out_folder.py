"""Where a command writes: asked for before minutes are spent on what would be written."""

from pathlib import Path

from mereo.errors import BadInput


def require_out_folder(out: Path | None) -> None:
    """A folder, or nothing yet; None for a command that writes nothing."""
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput(f"--out must be a folder, but got a file in {out}; name another folder.")
