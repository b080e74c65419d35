"""A spoilt label is named with file, pixel and value by every command that reads it, before a model is built."""

import re
from pathlib import Path

import numpy as np
import pytest
from bad_labels import BAD_LABELS, BAD_SPLITS, SPLITS, data_set
from ran_command import Mereo
from small_run import small_recipe, write_recipe
from tiny_parser import taxonomy_of, tiny_parser

from mereo.data.formats.folder_format import FolderSamples
from mereo.errors import BadInput
from mereo.parser.weights import save_parser

ALL = BAD_LABELS | BAD_SPLITS


def spoilt(tmp_path: Path, name: str, split: str, seed: int = 0) -> str:
    """The data set in tmp_path/data; what must be said about it."""
    one = data_set(tmp_path / "data", split)
    match = ALL[name](one, np.random.default_rng(seed))
    return match.format(file=f"{split}/labels/3.png")


@pytest.fixture(scope="module")
def parser_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parser that knows the classes of the data set."""
    parser = tiny_parser(taxonomy=taxonomy_of("blue", "red", "green"))
    return save_parser(parser, tmp_path_factory.mktemp("parser") / "three.safetensors")


def test_the_data_set_is_sound_until_it_is_spoilt(tmp_path: Path, mereo: Mereo, parser_file: Path) -> None:
    data_set(tmp_path / "data", "train")
    ran = mereo("data", "check", tmp_path / "data")
    assert ran.code == 0 and "No problems found." in ran.out
    assert mereo("evaluate", parser_file, "--data", tmp_path / "data").code == 0


@pytest.mark.parametrize("name", BAD_LABELS)
@pytest.mark.parametrize("split", SPLITS)
def test_the_reader_names_it(name: str, split: str, tmp_path: Path) -> None:
    match = spoilt(tmp_path, name, split, seed=1)
    samples = FolderSamples(tmp_path / "data", split=split)
    with pytest.raises(BadInput, match=match) as caught:
        samples[3]
    assert "\n" not in str(caught.value)
    assert [samples[index].name for index in (0, 1, 2, 4, 5)] == ["0", "1", "2", "4", "5"]


@pytest.mark.parametrize("name", ALL)
def test_data_check_names_it_and_counts_the_rest(name: str, tmp_path: Path, mereo: Mereo) -> None:
    match = spoilt(tmp_path, name, "train")
    ran = mereo("data", "check", tmp_path / "data")
    assert ran.code == 2 and ran.err == ""
    assert "1 problems in train" in ran.out and "problems in val" not in ran.out
    assert len([line for line in ran.out.splitlines() if re.search(match, line)]) == 1
    assert re.search(r"^val: 6 images, 40x32 \(6\)", ran.out, re.MULTILINE)
    if name in BAD_LABELS:
        assert re.search(r"^train: 6 images, 40x32 \(5\)", ran.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "split"),
    [(name, SPLITS[number % 2]) for number, name in enumerate(ALL)] + [(name, "train") for name in BAD_SPLITS],
)
def test_training_refuses_it_before_a_model_is_built(name: str, split: str, tmp_path: Path, mereo: Mereo) -> None:
    # Of two mistakes the data's is told: there is no such backbone, and nobody has looked for it yet.
    match = spoilt(tmp_path, name, split, seed=2)
    recipe = write_recipe(tmp_path, small_recipe(steps=1))
    ran = mereo("train", recipe, "--out", tmp_path / "run", "parser.backbone.name=no_such_network")
    assert ran.code == 2 and re.search(match, ran.error), ran.error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ALL)
def test_evaluation_refuses_it(name: str, tmp_path: Path, mereo: Mereo, parser_file: Path) -> None:
    match = spoilt(tmp_path, name, "val", seed=3)
    ran = mereo("evaluate", parser_file, "--data", tmp_path / "data", "--out", tmp_path / "out")
    if name == "all ignored":
        # There is nothing to measure, and no number is made up.
        assert ran.code == 0 and "mIoU n/a" in ran.out and "nan" not in ran.out
        return
    assert ran.code == 2 and re.search(match, ran.error), ran.error
    assert not (tmp_path / "out").exists()


def test_one_image_without_a_label_among_others_is_no_mistake(tmp_path: Path, mereo: Mereo, parser_file: Path) -> None:
    one = data_set(tmp_path / "data", "train")
    from PIL import Image

    one.save(Image.fromarray(np.full_like(one.values_HW, 255)))
    assert mereo("data", "check", tmp_path / "data").code == 0
    recipe = write_recipe(tmp_path, small_recipe(steps=2, batch_size=6))
    assert mereo("train", recipe, "--out", tmp_path / "run").code == 0
