"""Training one part of a parser keeps what was fitted to the others: the temperature, the familiarity."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_parser import TAXONOMY, tiny_config

from mereo.metrics.mahalanobis import fitted_gaussian
from mereo.parser.familiarity import Familiarity, looked_at
from mereo.parser.kept_fits import keep_fits
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, save_parser, start_from

GREY_HWC = np.full((40, 56, 3), 128, dtype=np.uint8)
SORTING = {"head": "segment_sorting", "width": 4, "embedding_width": 4, "convolution": "plain"}


def two_heads(make: str = "upernet", **changes: Any) -> SceneParser:
    heads = [{"head": "pixel_classes"}, SORTING]
    return tiny_config(make, **{"heads": heads, **changes}).build(TAXONOMY)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parser = tiny_config("upernet").build(TAXONOMY).eval()
    parser.temperature = 1.7
    seen_C = looked_at(parser, GREY_HWC)
    random_NC = seen_C + np.random.default_rng(0).normal(size=(9, len(seen_C)))
    parser.familiarity = Familiarity(fitted_gaussian(random_NC), usual=1.0, limit=2.0, num_pictures=9, num_held_out=9)
    return save_parser(parser, tmp_path_factory.mktemp("fitted") / "p.safetensors")


@pytest.mark.parametrize(
    ("only", "keeps_temperature", "keeps_familiarity"),
    [
        (["heads.1"], True, True),
        (["heads.1.branch", "heads.1.classify"], True, True),
        (["heads.0"], False, True),
        (["heads"], False, True),
        (["heads.0.classify"], False, True),
        (["heads.1", "path"], False, True),
        (["backbone"], False, False),
        ([], False, False),
    ],
)
def test_what_does_not_learn_stays_fitted(
    fitted: Path, only: list[str], keeps_temperature: bool, keeps_familiarity: bool
) -> None:
    parser = two_heads()
    start_from(parser, fitted)
    keep_fits(parser, fitted, only=only)
    assert parser.temperature == (1.7 if keeps_temperature else 1.0)
    assert (parser.familiarity is not None) == keeps_familiarity


@pytest.mark.parametrize(
    ("changes", "keeps_familiarity"),
    [
        ({"preprocessing": {"working_side": 99}}, False),
        ({"backbone": "test_efficientnet_ln"}, False),
        ({"make": "deeplabv3", "heads": [{"head": "pixel_classes"}, {"head": "pixel_classes"}]}, True),
        ({"heads": [{"head": "pixel_classes", "dropout": 0.5}, SORTING]}, True),
    ],
)
def test_another_make_is_fitted_anew(fitted: Path, changes: dict[str, Any], keeps_familiarity: bool) -> None:
    parser = two_heads(**changes)
    start_from(parser, fitted)
    keep_fits(parser, fitted, only=["heads.1"])
    assert parser.temperature == 1.0 and (parser.familiarity is not None) == keeps_familiarity


def test_other_weights_are_fitted_anew(fitted: Path) -> None:
    parser = two_heads()
    start_from(parser, fitted)
    with torch.no_grad():
        next(parser.path.parameters()).add_(1e-3)
    keep_fits(parser, fitted, only=["heads.1"])
    assert parser.temperature == 1.0 and parser.familiarity is not None


def test_what_was_kept_is_written(fitted: Path, tmp_path: Path) -> None:
    parser = two_heads()
    start_from(parser, fitted)
    keep_fits(parser, fitted, only=["heads.1"])
    again = load(save_parser(parser, tmp_path / "again.safetensors"))
    assert (
        again.temperature == 1.7 and again.parse(GREY_HWC).unfamiliarity == load(fitted).parse(GREY_HWC).unfamiliarity
    )


def test_weights_alone_tell_nothing(tmp_path: Path) -> None:
    parser = two_heads()
    keep_fits(parser, tmp_path / "none.safetensors", only=["heads.1"])
    assert parser.temperature == 1.0
