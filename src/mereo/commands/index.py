"""`mereo index VERB`: an index of the segments of many photographs; built, asked, measured, drawn."""

from typing import Any

import typer

from mereo.commands.index_build import add, build
from mereo.commands.index_find import find
from mereo.commands.index_map import draw_map
from mereo.commands.index_show import context_error, show


def index_app(**options: Any) -> typer.Typer:
    app = typer.Typer(name="index", help="Index the segments of many photographs, and find alike ones.", **options)
    for name, verb, line in (
        ("build", build, "Index a folder of photographs, or go on where a build stopped."),
        ("add", add, "Add photographs to an index."),
        ("find", find, "Find the segments most like one of a photograph."),
        ("show", show, "Print what an index holds."),
        ("context-error", context_error, "Measure how alike the surroundings of alike segments are."),
        ("map", draw_map, "Draw a map of all segments of a class."),
    ):
        app.command(name, short_help=line)(verb)
    return app
