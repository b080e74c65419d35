"""README.md of a parser on the hub, made from its model card: what the hub reads of it, and what people do."""

import re

from mereo.data.taxonomy import Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.model_card import ModelCard, measured_in_words
from mereo.parser.parser_names import PUSHED_PREFIX
from mereo.strict_yaml import dump_yaml

# Terms that are one of these, written as the hub writes it, are a licence that it knows; all others are told in words.
LICENCES = (
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nd-4.0",
)


def hub_card(card: ModelCard, config: ParserConfig, taxonomy: Taxonomy, *, repository: str, steps: list[str]) -> str:
    """Markdown with its front matter. `steps`: what the parser is built of, from backbone to heads."""
    title = card.title or repository.rpartition("/")[2]
    parts = [
        f"---\n{dump_yaml(front_matter(card))}---",
        f"# {_line(title)}",
        _line(card.summary),
        f"A parser of Mereo: {' → '.join(f'`{step}`' for step in steps)}.",
        "## How to load it",
        f'```python\nimport mereo\n\nparse = mereo.parse("photograph.jpg", parser="{PUSHED_PREFIX}{repository}")\n'
        "parse.segments[0].name\n```",
        f"```\nmereo parse photographs/ --parser {PUSHED_PREFIX}{repository} --out parsed\n```",
        "## Terms of use",
        _line(card.terms),
        "## Trained on" if card.data or card.trained_with else "",
        _line("; ".join(part for part in (card.data, card.trained_with) if part)),
        *_measured(card),
        *_classes(config, taxonomy),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def front_matter(card: ModelCard) -> dict[str, object]:
    """What the hub's lists and filters use."""
    licence = card.terms.strip().lower()
    known = {"license": licence} if licence in LICENCES else {"license": "other", "license_name": "see-terms-of-use"}
    return {
        **known,
        "library_name": "mereo",
        "pipeline_tag": "image-segmentation",
        "tags": ["mereo", "image-segmentation", "semantic-segmentation", "scene-parsing"],
    }


def _measured(card: ModelCard) -> list[str]:
    if not card.measured:
        return []
    rows = "\n".join(f"| {_cell(name)} | {value} |" for name, value in measured_in_words(card.measured))
    where = f"On {_line(card.measured_on)}:" if card.measured_on else ""
    return ["## Measured", where, f"| measure | value |\n|---|---:|\n{rows}"]


def _classes(config: ParserConfig, taxonomy: Taxonomy) -> list[str]:
    lists = []
    for task, names in config.names_of_tasks(taxonomy).items():
        derived = " (derived from other labels)" if task in taxonomy.derived else ""
        lists.append(f"{len(names)} {task}{derived}: {', '.join(_line(name) for name in names)}.")
    return ["## Classes", *lists]


def _line(text: str) -> str:
    r"""Any text as one line of Markdown that is read as text: no tag, link, heading or table comes of it.

    >>> print(_line("# a [b](c)\n<script> # d"))
    \# a \[b\](c) \<script\> # d
    """
    escaped = re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^([#+=~-])", r"\\\1", escaped)


def _cell(text: str) -> str:
    return _line(text.replace("_", " "))
