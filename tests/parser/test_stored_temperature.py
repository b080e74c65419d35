"""A temperature travels inside the parser file and moves confidences alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_parser import random_image, tiny_config, tiny_parser

from mereo.errors import BadInput
from mereo.parser.weights import load, read_metadata, save_changed, save_parser

IMAGE_HWC = random_image(60, 84)


@pytest.mark.parametrize("options", [{}, {"scales": (0.5, 1.0)}, {"flip": True}], ids=str)
def test_labels_stay_and_confidences_move(options: dict) -> None:
    parser = tiny_parser()
    with torch.no_grad():
        parser.heads[0].classify.weight.mul_(40)  # Logits a few units apart, as trained parsers have.
    plain = parser.parse(IMAGE_HWC, with_confidence=True, **options)
    parser.temperature = 4.0
    warm = parser.parse(IMAGE_HWC, with_confidence=True, **options)
    parser.temperature = 0.25
    cold = parser.parse(IMAGE_HWC, with_confidence=True, **options)
    for other in (warm, cold, parser.parse(IMAGE_HWC, **options)):
        np.testing.assert_array_equal(other.semantic, plain.semantic)
    assert (warm.confidence <= plain.confidence).all() and warm.confidence.mean() < plain.confidence.mean() - 0.01
    assert (cold.confidence >= plain.confidence).all() and cold.confidence.mean() > plain.confidence.mean() + 0.01


def test_saved_and_loaded(tmp_path: Path) -> None:
    parser = tiny_config(temperature=1.5).build(tiny_parser().taxonomy)
    assert parser.temperature == 1.5
    assert load(save_parser(parser, tmp_path / "a.safetensors")).temperature == 1.5
    parser.temperature = 2.25
    loaded = load(save_parser(parser, tmp_path / "b.safetensors"))
    assert loaded.temperature == 2.25
    assert save_parser(loaded, tmp_path / "c.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_file_without_the_key_has_temperature_1(tmp_path: Path) -> None:
    """As every file that was written before temperatures existed."""
    new = save_parser(tiny_parser(), tmp_path / "new.safetensors")
    metadata = read_metadata(new)
    assert metadata["config"].pop("temperature") == 1.0
    old = tmp_path / "old.safetensors"
    save_file(load_file(new), old, metadata={"mereo": json.dumps(metadata)})
    assert load(old).temperature == 1.0


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_a_file_with_another_temperature_has_the_same_weights(tmp_path: Path, dtype: torch.dtype | None) -> None:
    first = save_parser(tiny_parser(), tmp_path / "first.safetensors", dtype=dtype)
    second = save_changed(first, tmp_path / "new folder" / "second.safetensors", temperature=0.8)
    before, after = load_file(first), load_file(second)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    one, other = read_metadata(first), read_metadata(second)
    assert other["config"].pop("temperature") == 0.8 and one["config"].pop("temperature") == 1.0
    assert one == other
    with safe_open(second, framework="pt") as file:
        assert list(file.metadata()) == ["mereo"], "several keys would come in a random order"
    assert load(second).temperature == 0.8


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_none_is_not_stored(tmp_path: Path, temperature: float) -> None:
    first = save_parser(tiny_parser(), tmp_path / "first.safetensors")
    with pytest.raises(BadInput, match="temperature: Input should be"):
        save_changed(first, tmp_path / "second.safetensors", temperature=temperature)
    assert not (tmp_path / "second.safetensors").exists()
    with pytest.raises(BadInput, match="temperature: Input should be"):
        tiny_config(temperature=temperature)
