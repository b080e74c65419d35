"""What stands under a page that a parser made: Mereo's version, and the terms that the parser comes with."""

from typing import TYPE_CHECKING

from mereo.version import VERSION

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser


def made_with(terms: str) -> list[str]:
    return [f"Made with Mereo {VERSION}.", *([f"Terms of the parser: {terms}."] if terms else [])]


def terms_of(parser: "SceneParser") -> str:
    return "" if parser.card is None else parser.card.terms
