"""`mereo --version`."""

import typer

from mereo.version import VERSION


def print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"mereo {VERSION}")
        raise typer.Exit()
