"""The same weights with other settings: what may be changed, and what asks for other weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_parser import random_image, tiny_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.errors import BadInput
from mereo.parser.changed_parser import load_changed
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import load, save_parser


def of_head(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(config: dict[str, Any]) -> dict[str, Any]:
        return config | {"heads": [config["heads"][0] | changes, *config["heads"][1:]]}

    return change


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_parser(
        tiny_sorting_parser(centers={"lowest_score": 0.0}, merge_from=1.1),
        tmp_path / "p.safetensors",
        card=ModelCard(title="mine"),
    )


def test_what_only_parsing_asks_for_can_be_changed(saved: Path) -> None:
    """As if it had been built so: seeds, dynamic partitioning, location, merging."""
    image_HWC = random_image(96, 128, seed=3)
    for changes in ({"uses_seeds": False}, {"split_below": 0.0}, {"has_location": False}, {"merge_from": -1.0}):
        found = load_changed(saved, of_head(**changes), what="a test")
        other = tiny_sorting_parser(centers={"lowest_score": 0.0}, **{"merge_from": 1.1, **changes})
        parse, wanted = found.parse(image_HWC), other.parse(image_HWC)
        np.testing.assert_array_equal(parse.semantic, wanted.semantic)
        np.testing.assert_array_equal(parse.instances, wanted.instances)
    assert found.card is not None and found.card.title == "mine" and not found.training
    with_seeds, without = load(saved).parse(image_HWC), load_changed(saved, of_head(uses_seeds=False), what="a test")
    assert not np.array_equal(with_seeds.instances, without.parse(image_HWC).instances)


def test_the_file_stays_as_it_is(saved: Path) -> None:
    before = saved.read_bytes()
    found = load_changed(saved, of_head(uses_seeds=False), what="a test")
    assert saved.read_bytes() == before
    weights = load(saved).state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in found.state_dict().items())


@pytest.mark.parametrize(
    "changes",
    [{"width": 16}, {"convolution": "deformable"}, {"embedding_width": 7}, {"head": "segment_sorting", "width": 4}],
)
def test_what_asks_for_other_weights_is_refused(saved: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(
        BadInput, match=r"settings must leave every weight as it is in the file, but got heads.0.x=1, w"
    ):
        load_changed(saved, of_head(**changes), what="heads.0.x=1")


def test_unknown_keys_and_weights_from_elsewhere_are_refused(saved: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'uses_seeds'"):
        load_changed(saved, of_head(use_seeds=False), what="a test")

    def other_weights(config: dict[str, Any]) -> dict[str, Any]:
        return config | {"backbone": config["backbone"] | {"weights": "elsewhere.safetensors"}}

    with pytest.raises(BadInput, match="settings must leave the weights to the file, but got a test"):
        load_changed(saved, other_weights, what="a test")
    with pytest.raises(BadInput, match="but got the checkpoint 'hf:somebody/something'; make a file of it first"):
        load_changed("hf:somebody/something", of_head(), what="a test")


def test_the_temperature_of_any_parser(tmp_path: Path) -> None:
    path = save_parser(tiny_parser(), tmp_path / "fcn.safetensors")
    assert load_changed(path, lambda config: config | {"temperature": 3.0}, what="a test").temperature == 3.0
