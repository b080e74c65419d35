"""`mereo bench [NAME]`: run one of the benchmarks that come with the source, beside its peers."""

import ast
from pathlib import Path
from typing import Annotated

import typer


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which benchmark; left out: a list of them.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write the answer into, under the benchmark's name.")
    ] = None,
) -> None:
    """Measure speed and memory beside other libraries. What follows the name goes to the benchmark.

    Example: mereo bench throughput --task parse --size 480x360
    """
    import subprocess
    import sys

    from mereo.errors import BadEnvironment, BadInput

    known = benchmarks()
    if name is None:
        for one, path in known.items():
            typer.echo(f"{one:18} {first_line(path)}")
        return
    if name not in known:
        raise BadInput(f"a benchmark must be one of {', '.join(known)}, but got {name!r}; name one of them.")
    command = [sys.executable, str(known[name]), *context.args]
    done = subprocess.run(command, stdout=None if out is None else subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BadEnvironment(
            f"the benchmark must end well, but got exit code {done.returncode} from {name}; see its message, and "
            "install the extras dev for its peers."
        )
    if out is not None:
        from mereo.evaluation.results_text import write_section

        shown = " ".join(["mereo", "bench", name, *context.args])
        write_section(out, section_of(name, context.args), f"`{shown}`\n\n{done.stdout.strip()}")
        typer.echo(done.stdout.strip())
        typer.echo(f"Wrote it into {out}.")


def section_of(name: str, arguments: list[str]) -> str:
    """
    >>> section_of("throughput", ["--task", "parse", "--size", "480x360"])
    'throughput task parse size 480x360'
    """
    words = [name, *(argument.lstrip("-") for argument in arguments)]
    return " ".join("".join(letter if letter.isalnum() else " " for letter in " ".join(words)).split())


def benchmarks() -> dict[str, Path]:
    """By name. They are no part of the installed package: their peers are many and heavy."""
    from mereo.errors import BadEnvironment

    folder = Path(__file__).parents[3] / "benchmarks"
    found = {path.stem: path for path in sorted(folder.glob("*.py")) if "\ndef main(" in path.read_text("utf-8")}
    if not found:
        raise BadEnvironment(
            f"benchmarks must lie beside the source, but got none in {folder}; clone the repository and "
            "install it with `make test`."
        )
    return found


def first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return docstring.split("\n", 1)[0]
