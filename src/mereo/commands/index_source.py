"""What makes the segments of an index: a parser with the index's settings, as the `mereo index` commands open it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mereo.retrieval.index_facts import IndexFacts
    from mereo.retrieval.parse_segments import ParseSegments


def source_of_index(index: Path, facts: "IndexFacts", parser: str | None, device: str) -> "ParseSegments":
    """With the parser of --parser; left out, with that which the index remembers."""
    if not parser:
        require_parser_there(index, facts.parser)
    return opened_source(parser or facts.parser, device, facts.settings)


def opened_source(parser: str, device: str, settings: dict[str, Any]) -> "ParseSegments":
    from mereo.commands.parse import open_parser
    from mereo.retrieval.parse_segments import ParseSegmentsConfig
    from mereo.strict_yaml import validated

    config = validated(ParseSegmentsConfig, settings, source="the settings of the index")
    return config.build(open_parser(parser, device))


def require_parser_there(index: Path, parser: str) -> None:
    from mereo.errors import BadInput
    from mereo.parser.parser_names import is_on_hub
    from mereo.parser.weights import find_parser_file

    if is_on_hub(parser):
        return
    try:
        find_parser_file(parser)
    except BadInput as error:
        raise BadInput(
            f"the parser of an index must be where it was when the index was made, but got none in {parser!r} for "
            f"{index}; say with --parser where it is now."
        ) from error


def require_index_settings(
    index: Path, settings: dict[str, Any], *, least_share: float | None, size: int | None
) -> None:
    """What is asked for must be what the index was made with; what is left out (None) is."""
    from mereo.errors import BadInput

    for option, key, asked in (("--size", "working_side", size), ("--least-share", "least_share", least_share)):
        known = settings.get(key)
        if asked is not None and asked != known:
            own = "the parser's own" if known is None else known
            raise BadInput(
                f"{option} must be that of the index ({own}), but got {asked} for {index}; leave it out, or build "
                "another index with another --out."
            )
