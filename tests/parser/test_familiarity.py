"""A parser warns at pictures unlike those of its training: distance, sentence, file, and every way of parsing."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import tiny_parser

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps
from mereo.parser.familiarity import Familiarity, looked_at, pooled_features, unfamiliar_in_words
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, read_metadata, save_changed, save_parser, start_from

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from test_familiarity_fit import NOISE_HWC, Pictures, kind_of

from mereo.evaluation.familiarity_fit import fit_familiarity

FAMILIAR_HWC = kind_of(999)


@pytest.fixture(scope="module")
def parser() -> SceneParser:
    one = tiny_parser()
    one.familiarity = fit_familiarity(one, Pictures(0, 40), Pictures(100, 40)).familiarity
    return one


def test_a_familiar_picture_and_one_that_is_not(parser: SceneParser) -> None:
    familiar, odd = parser.parse(FAMILIAR_HWC), parser.parse(NOISE_HWC)
    assert familiar.warnings == () and familiar.unfamiliarity is not None and familiar.unfamiliarity < 2
    assert odd.unfamiliarity is not None and odd.unfamiliarity > 3
    assert odd.warnings == (unfamiliar_in_words(odd.unfamiliarity),)
    assert f"distance {odd.unfamiliarity:.1f} times the usual" in odd.warnings[0]


def test_a_constant_picture_and_a_single_pixel_have_a_distance(parser: SceneParser) -> None:
    for image_HWC in (
        np.zeros((40, 60, 3), np.uint8),
        np.full((40, 60, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ):
        found = parser.parse(image_HWC)
        assert found.unfamiliarity is not None and np.isfinite(found.unfamiliarity) and len(found.warnings) == 1


def test_without_statistics_there_is_no_word() -> None:
    found = tiny_parser().parse(NOISE_HWC)
    assert found.unfamiliarity is None and found.warnings == ()


def test_pooled_is_the_mean_over_cells() -> None:
    features_BCHW = torch.randn(1, 3, 4, 5)
    expected = [sum(features_BCHW[0, c].double().flatten().tolist()) / 20 for c in range(3)]
    others = torch.randn(1, 2, 8, 10), torch.randn(1, 7, 2, 3)
    second = FeatureMaps((others[0], features_BCHW, others[1]), (4, 8, 16))
    for maps in (second, FeatureMaps((features_BCHW,), (8,))):
        np.testing.assert_allclose(pooled_features(maps), expected, rtol=1e-4, atol=1e-6)


class WithoutDoubles(torch.Tensor):
    """As if on an accelerator that knows no float64."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        if function is torch.Tensor.cpu:
            return arguments[0].as_subclass(torch.Tensor)
        if function is torch.Tensor.double:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return super().__torch_function__(function, types, arguments, options or {})


def test_no_float64_is_made_on_the_device() -> None:
    features_BCHW = torch.randn(1, 3, 4, 5)
    found_C = pooled_features(FeatureMaps((features_BCHW.as_subclass(WithoutDoubles),), (8,)))
    assert found_C.dtype == np.float64
    np.testing.assert_array_equal(found_C, features_BCHW[0].mean(dim=(-2, -1)).double().numpy())


def passes(parser: SceneParser, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The sizes that the backbone is asked at, from now on."""
    asked: list[tuple[int, ...]] = []
    forward = parser.backbone.forward

    def counted(image_BCHW: torch.Tensor) -> Any:
        asked.append(tuple(image_BCHW.shape[-2:]))
        return forward(image_BCHW)

    monkeypatch.setattr(parser.backbone, "forward", counted)
    return asked


@pytest.mark.parametrize(
    ("options", "num_more"),
    [
        ({}, 0),
        ({"with_confidence": True}, 0),
        ({"working_side": 56}, 0),
        ({"working_side": 30}, 1),
        ({"scales": (0.5, 1.0)}, 1),
        ({"flip": True}, 1),
        ({"tile": 64}, 1),
    ],
    ids=str,
)
def test_however_it_is_parsed_the_distance_is_the_same(
    parser: SceneParser, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], num_more: int
) -> None:
    """It is asked at the parser's own size; one more pass of the backbone where nothing else looks at that size."""
    expected = parser.familiarity.distance(looked_at(parser, NOISE_HWC))
    asked = passes(parser, monkeypatch)
    assert parser.parse(NOISE_HWC, **options).unfamiliarity == pytest.approx(expected, rel=1e-6)
    with_it = len(asked)
    asked.clear()
    monkeypatch.setattr(parser, "familiarity", None)
    parser.parse(NOISE_HWC, **options)
    assert with_it - len(asked) == num_more


def test_a_parser_that_also_groups_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = tiny_grouping_parser()
    one.familiarity = fit_familiarity(one, Pictures(0, 12), Pictures(100, 6)).familiarity
    expected = one.familiarity.distance(looked_at(one, NOISE_HWC))
    asked = passes(one, monkeypatch)
    assert one.parse(NOISE_HWC).unfamiliarity == pytest.approx(expected, rel=1e-6) and len(asked) == 1
    asked.clear()
    assert one.parse(NOISE_HWC, flip=True).unfamiliarity == pytest.approx(expected, rel=1e-6) and len(asked) == 3


def test_a_large_photograph_is_asked_at_the_parsers_own_size() -> None:
    one = tiny_parser()
    one.preprocessing = PreprocessingConfig(working_side=28)
    assert looked_at(one, np.repeat(np.repeat(NOISE_HWC, 4, 0), 4, 1)).shape == looked_at(one, NOISE_HWC).shape


def test_the_parser_trains_on_as_it_did(parser: SceneParser) -> None:
    """Asking changes no mode, and statistics are no weights."""
    assert not any("familiarity" in name for name in parser.state_dict())
    parser.train()
    looked_at(parser, NOISE_HWC)
    assert parser.training
    parser.eval()


def test_a_distance_where_all_held_out_pictures_are_alike(parser: SceneParser) -> None:
    known = replace(parser.familiarity, usual=0.0, limit=0.0)
    assert known.warnings(0.0) == () and len(known.warnings(0.1)) == 1
    assert known.distance(looked_at(parser, NOISE_HWC)) > 0


# In the file.


def test_saved_and_loaded(parser: SceneParser, tmp_path: Path) -> None:
    path = save_parser(parser, tmp_path / "a.safetensors")
    loaded = load(path)
    assert loaded.familiarity is not None
    before, after = parser.familiarity, loaded.familiarity
    assert (before.num_pictures, before.num_held_out) == (after.num_pictures, after.num_held_out) == (40, 40)
    found, expected = loaded.parse(NOISE_HWC), parser.parse(NOISE_HWC)
    assert (
        found.unfamiliarity == pytest.approx(expected.unfamiliarity, rel=1e-4) and found.warnings == expected.warnings
    )
    assert save_parser(loaded, tmp_path / "b.safetensors").read_bytes() == path.read_bytes()
    half = load(save_parser(parser, tmp_path / "half.safetensors", dtype=torch.float16))
    np.testing.assert_array_equal(half.familiarity.gaussian.mean_C, after.gaussian.mean_C)


def test_a_file_without_it_is_as_it_was(tmp_path: Path) -> None:
    path = save_parser(tiny_parser(), tmp_path / "plain.safetensors")
    assert "familiarity" not in read_metadata(path) and load(path).familiarity is None
    assert not any("familiarity" in name for name in load_file(path))


def test_put_into_a_file_that_had_none_or_another(parser: SceneParser, tmp_path: Path) -> None:
    plain = save_parser(tiny_parser(), tmp_path / "plain.safetensors")
    changed = save_changed(plain, tmp_path / "changed.safetensors", familiarity=parser.familiarity, temperature=2.0)
    before, after = load_file(plain), load_file(changed)
    assert set(before) < set(after) and all(torch.equal(before[name], after[name]) for name in before)
    loaded = load(changed)
    assert loaded.temperature == 2.0 and len(loaded.parse(NOISE_HWC).warnings) == 1
    warmer = save_changed(changed, tmp_path / "warmer.safetensors", temperature=3.0)
    assert load(warmer).familiarity is not None, "a new temperature leaves it there"
    narrow = Familiarity(loaded.familiarity.gaussian, 1.0, 2.0, 5, 6)
    again = save_changed(changed, tmp_path / "again.safetensors", familiarity=narrow)
    assert load(again).familiarity.num_pictures == 5 and len(load_file(again)) == len(after)


def test_fine_tuning_starts_without_it(parser: SceneParser, tmp_path: Path) -> None:
    path = save_parser(parser, tmp_path / "a.safetensors")
    other = tiny_parser(seed=5)
    assert start_from(other, path) == [] and other.familiarity is None


CHANNELS = "must be of its backbone's [0-9]+ channels, but got .*spoiled.safetensors; fit it anew"


@pytest.mark.parametrize(
    ("tensors", "numbers", "match"),
    [
        (lambda held: held.pop("familiarity.variance_R"), {}, CHANNELS),
        (lambda held: held.update({"familiarity.more": torch.ones(1)}), {}, CHANNELS),
        (lambda held: held.update({"familiarity.mean_C": torch.ones(3)}), {}, CHANNELS),
        (lambda held: held.update({"familiarity.mean_C": torch.ones(())}), {}, CHANNELS),
        (lambda held: held.update({"familiarity.directions_CR": torch.ones(3)}), {}, CHANNELS),
        (lambda held: held.update({"familiarity.variance_R": torch.ones(2)}), {}, CHANNELS),
        (lambda held: held.update({"familiarity.mean_C": held["familiarity.mean_C"].int()}), {}, CHANNELS),
        (lambda held: held["familiarity.variance_R"].zero_(), {}, "variances of .* must be above 0, but got 0 in"),
        (lambda held: held["familiarity.mean_C"].fill_(float("nan")), {}, "must be finite, but got NaN or infinity"),
        (lambda held: None, {"usual": -1.0}, "the familiarity in .*spoiled.safetensors must be valid, but got: usual"),
        (lambda held: None, {"rest_variance": 0}, "must be valid, but got: rest_variance"),
        (lambda held: None, {"limits": 3}, "must be valid, but got: .*'limit'"),
    ],
    ids=range(12),
)
def test_spoiled_statistics(
    parser: SceneParser, tmp_path: Path, tensors: Callable[[dict[str, Any]], Any], numbers: dict[str, Any], match: str
) -> None:
    path = save_parser(parser, tmp_path / "whole.safetensors")
    held, metadata = load_file(path), read_metadata(path)
    tensors(held)
    metadata["familiarity"] |= numbers
    save_file(held, tmp_path / "spoiled.safetensors", metadata={"mereo": json.dumps(metadata)})
    with pytest.raises(BadInput, match=match):
        load(tmp_path / "spoiled.safetensors")
