"""`mereo push PARSER OWNER/NAME`: a parser onto the Hugging Face hub, from where `hub:OWNER/NAME` loads it."""

from typing import Annotated

import typer

from mereo.text_lines import printable


def push(
    parser: Annotated[str, typer.Argument(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME.")],
    repository: Annotated[str, typer.Argument(help="OWNER/NAME on the hub; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="A repository that is made now is yours alone.")] = False,
    message: Annotated[str | None, typer.Option(help="What the commit says.")] = None,
    terms: Annotated[
        str | None,
        typer.Option(help="The terms of use, e.g. cc-by-4.0 or in words, of a parser whose model card has none."),
    ] = None,
) -> None:
    """Push a parser to the Hugging Face hub: parser.safetensors, and a README.md made from its model card.

    Log in first (hf auth login, or HF_TOKEN). A parser whose terms nobody has written is refused.
    Example: mereo push runs/mine someone/streets --terms cc-by-4.0
    """
    from mereo.parser.hub.push import MESSAGE, push_parser

    pushed = push_parser(parser, repository, private=private, message=message or MESSAGE, terms=terms)
    typer.echo(f"{pushed.name}: {pushed.num_bytes / 1e6:.1f} MB, terms: {printable(pushed.terms)}")
    typer.echo(f"load it: mereo parse photographs/ --parser {pushed.name} --out parsed")
