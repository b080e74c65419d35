"""`mereo models`: the parsers that the package carries (or any parser file): what they see, and on which terms."""

from pathlib import Path
from typing import Annotated

import typer


def models(
    parsers: Annotated[
        list[str] | None, typer.Argument(help="Names, parser files or run folders; left out: all built-in ones.")
    ] = None,
) -> None:
    """List built-in parsers: names of all tasks, terms of use, measured quality."""
    from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers, find_parser_file

    named = {name: find_parser_file(name) for name in parsers} if parsers else built_in_parsers()
    if not named:
        typer.echo("No parser is built into this installation; train one with `mereo train`, or pass a parser file.")
    for number, (name, path) in enumerate(named.items()):
        if number:
            typer.echo()
        typer.echo(described(name, path, is_default=name == DEFAULT_PARSER))


def described(name: str, path: Path, *, is_default: bool) -> str:
    """One parser file in a few lines, read from its header alone: no weight is loaded."""
    from mereo.data.taxonomy_file import taxonomy_from_dict
    from mereo.parser.config import ParserConfig
    from mereo.parser.model_card import ModelCard, measured_in_words
    from mereo.parser.weights import read_metadata
    from mereo.strict_yaml import validated

    metadata = read_metadata(path)
    card = validated(ModelCard, metadata["card"], source=f"the model card in {path}")
    config = validated(ParserConfig, metadata["config"], source=f"the config in {path}")
    taxonomy = taxonomy_from_dict(metadata["taxonomy"], source=f"the taxonomy in {path}")
    steps = [config.backbone.name, *(stage.stage for stage in config.path), *(head.head for head in config.heads)]
    measured = ", ".join(f"{name} {value}" for name, value in measured_in_words(card.measured))
    rows = {
        "": card.summary,
        "built as": " -> ".join(steps),
        **{task: f"{len(names)}: {', '.join(names)}" for task, names in config.names_of_tasks(taxonomy).items()},
        "trained on": card.data,
        "measured": f"{measured} on {card.measured_on}" if measured and card.measured_on else measured,
        "terms": card.terms,
        "file": f"{path.stat().st_size / 1e6:.1f} MB, written by Mereo {metadata.get('mereo_version', '?')}",
    }
    title = " - ".join(part for part in (name + (" (default)" if is_default else ""), card.title) if part)
    return "\n".join([title, *(_row(label, text) for label, text in rows.items() if text)])


def _row(label: str, text: str) -> str:
    """A label and its text, wrapped and indented so that labels stand alone in their column; 54.9 % stays on one line.

    >>> _row("measured", "accuracy " * 9 + "54.9 %").splitlines()[1].strip()
    '54.9 %'
    """
    import textwrap

    tied = text.replace(" %", "\N{NO-BREAK SPACE}%")
    wrapped = textwrap.fill(tied, width=100, initial_indent=f"  {label:<11} ", subsequent_indent=" " * 14)
    return wrapped.replace("\N{NO-BREAK SPACE}%", " %")
