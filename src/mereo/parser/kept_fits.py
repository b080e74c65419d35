"""What was fitted to a parser, its temperature and its familiarity, holds on while other parts of it learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load

# What pictures look like to a parser is what its backbone sees; how sure it is of a class comes from these.
LOOKS, CLASSES = ("backbone",), ("backbone", "path", "heads.0")


def keep_fits(parser: SceneParser, source: str | Path, *, only: Sequence[str]) -> None:
    """`parser` took its weights from the parser file `source`, and `only` these parts will learn (none: all).

    Its confidences stay fitted where nothing learns that they come from, its familiarity where its backbone does not.
    """
    if not only:
        return
    try:
        fitted = load(source)
    except BadInput:  # A file of weights alone tells nothing that was fitted.
        return
    if not _leads_to(CLASSES, only) and _are_alike(CLASSES, parser, fitted):
        parser.temperature = fitted.temperature
    if not _leads_to(LOOKS, only) and _are_alike(LOOKS, parser, fitted):
        parser.familiarity = fitted.familiarity


def _leads_to(parts: Sequence[str], names: Sequence[str]) -> bool:
    """
    >>> _leads_to(("heads.0",), ["heads.1"]), _leads_to(("heads.0",), ["heads"]), _leads_to(("heads.0",), ["heads.0.a"])
    (False, True, True)
    """
    pairs = [(f"{part}.", f"{name}.") for part in parts for name in names]
    return any(name.startswith(part) or part.startswith(name) for part, name in pairs)


def _are_alike(parts: Sequence[str], parser: SceneParser, other: SceneParser) -> bool:
    """Of one make, fed alike, with one set of weights to the bit."""
    if parser.config is None or other.config is None or parser.preprocessing != other.preprocessing:
        return False
    made, other_made = (_made(parts, one.config.without_weights().model_dump()) for one in (parser, other))
    weights, others = (_weights(parts, one) for one in (parser, other))
    return (
        made == other_made
        and weights.keys() == others.keys()
        and all(torch.equal(value, others[name]) for name, value in weights.items())
    )


def _made(parts: Sequence[str], config: dict[str, Any]) -> list[Any]:
    """
    >>> _made(("path", "heads.0"), {"backbone": 1, "path": 2, "heads": [3, 4]})
    [2, 3]
    """
    return [config["heads"][0] if part == "heads.0" else config[part] for part in parts]


def _weights(parts: Sequence[str], parser: SceneParser) -> dict[str, Tensor]:
    starts = tuple(f"{part}." for part in parts)
    return {name: value for name, value in parser.state_dict().items() if name.startswith(starts)}
