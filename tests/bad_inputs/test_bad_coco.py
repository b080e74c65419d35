"""COCO panoptic data that lies about itself is told before a model is built, by every command that reads it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_coco import BAD_JSON, BAD_SEGMENTS, NAMES, source, write_coco
from ran_command import Mereo
from small_run import small_recipe
from tiny_parser import taxonomy_of, tiny_parser

from mereo.data.sources import CocoPanopticSource, open_samples
from mereo.parser.weights import save_parser
from mereo.strict_yaml import dump_yaml

ALL = BAD_JSON | BAD_SEGMENTS


def recipe_of(folder: Path) -> Path:
    content: dict[str, Any] = small_recipe(steps=1) | {"train_data": source(), "val_data": source()}
    (folder / "recipe.yaml").write_text(dump_yaml(content))
    return folder / "recipe.yaml"


def spoilt(folder: Path, name: str) -> str:
    write_coco(folder / "data")
    spoil, match = ALL[name]
    spoil(folder / "data", np.random.default_rng(0))
    return match


def test_it_is_sound_until_it_is_spoilt_and_a_crowd_is_no_mistake(tmp_path: Path, mereo: Mereo) -> None:
    write_coco(tmp_path / "data")
    ran = mereo("data", "check", recipe_of(tmp_path))
    assert ran.code == 0 and "No problems found." in ran.out
    sample = open_samples(CocoPanopticSource(**source()), folder=tmp_path)[0]
    assert sample.semantic_HW is not None and sample.instances_HW is not None
    crowd_HW = sample.semantic_HW.numpy()[28:, 1:]
    assert (crowd_HW == NAMES.index("car")).all() and (sample.instances_HW.numpy()[28:] == 0).all()


@pytest.mark.parametrize("name", ALL)
def test_data_check_names_it(name: str, tmp_path: Path, mereo: Mereo) -> None:
    match = spoilt(tmp_path, name)
    ran = mereo("data", "check", recipe_of(tmp_path), "--split", "train")
    assert ran.code == 2 and ran.err == "" and "1 problems in train" in ran.out
    (line,) = [line for line in ran.out.splitlines() if re.search(match, line)]
    assert len(line) < 1500
    if name in BAD_SEGMENTS:
        assert re.search(r"^train: 3 images, 40x32 \(2\)", ran.out, re.MULTILINE)


# It opens the data as the check above does: a few are enough to see that.
@pytest.mark.parametrize("name", [*BAD_JSON][::4] + [*BAD_SEGMENTS])
def test_training_refuses_it_before_a_model_is_built(name: str, tmp_path: Path, mereo: Mereo) -> None:
    match = spoilt(tmp_path, name)
    ran = mereo("train", recipe_of(tmp_path), "--out", tmp_path / "run", "parser.backbone.name=no_such_network")
    assert ran.code == 2 and re.search(match, ran.error), ran.error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["cut", *BAD_SEGMENTS])
def test_evaluating_a_run_refuses_it(name: str, tmp_path: Path, mereo: Mereo) -> None:
    match = spoilt(tmp_path, name)
    recipe_of(tmp_path)
    save_parser(tiny_parser(taxonomy=taxonomy_of(*NAMES)), tmp_path / "best.safetensors")
    ran = mereo("evaluate", tmp_path)
    assert ran.code == 2 and re.search(match, ran.error), ran.error
