"""A parser file with some settings changed and its weights as they are: rows that need no second training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mereo.errors import BadInput
from mereo.parser.config import ParserConfig
from mereo.parser.devices import require_device
from mereo.parser.network_limit import no_larger_than
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import find_parser_file, load, read_metadata
from mereo.strict_yaml import validated


def load_changed(
    name_or_path: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, what: str, device: str = "cpu"
) -> SceneParser:
    """`change` makes the new config of the file's (plain values, every default written out); ready to parse.

    `what` says it in words, for errors: only what leaves every weight its name and its shape can be changed.
    """
    checked_device = require_device(device)
    path = find_parser_file(name_or_path)
    config = validated(ParserConfig, read_metadata(path)["config"], source=f"the config in {path}").without_weights()
    changed = validated(
        ParserConfig, change(config.model_dump(mode="json")), source=f"the config in {path} with {what}"
    )
    if changed != changed.without_weights():
        raise BadInput(f"settings must leave the weights to the file, but got {what}; leave that out.")
    before = load(name_or_path)
    with no_larger_than(path):
        after = changed.build(before.taxonomy)
    weights, wanted = before.state_dict(), after.state_dict()
    others = [name for name in weights.keys() | wanted.keys() if _shape(weights, name) != _shape(wanted, name)]
    if others:
        raise BadInput(
            f"settings must leave every weight as it is in the file, but got {what}, with which {len(others)} have "
            f"another shape or are not there ({min(others)}, ...); leave that out, or train with it."
        )
    after.load_state_dict(weights)
    after.card, after.familiarity = before.card, before.familiarity
    return after.eval().to(checked_device)


def _shape(weights: dict[str, Any], name: str) -> tuple[int, ...] | None:
    return tuple(weights[name].shape) if name in weights else None
