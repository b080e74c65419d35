"""The same photograph painted again: what was saved before is kept, unless somebody says that it is to go."""

import re
from pathlib import Path

import numpy as np
import pytest
from painted_regions import SIZE, label_of, region, save
from PIL import Image

from mereo.errors import BadInput
from mereo.web.label_folder import LABELS_FOLDER


def test_what_was_saved_before_stays_where_nothing_is_painted_now(tmp_path: Path) -> None:
    first = save(tmp_path)
    wanted_HW = label_of(tmp_path, first).copy()
    again = save(tmp_path, name="another name.jpg", regions=[region("car", slice(0, 5), slice(0, 5))])
    wanted_HW[:5, :5] = 2
    assert (label_of(tmp_path, again) == wanted_HW).all() and again["name"] == first["name"]
    assert (first["replaced"], again["replaced"]) == (False, True)
    assert again["unlabelled"] == 12 / 48, "told of the whole label"
    filled = save(tmp_path, regions=[region("sky", slice(0, 1))], keep_parse=True)
    wanted_HW[:1], wanted_HW[wanted_HW == 255] = 0, 1
    assert (label_of(tmp_path, filled) == wanted_HW).all(), "the parse fills what nobody ever painted"


def test_a_label_that_cannot_be_kept_is_not_written_over(tmp_path: Path) -> None:
    saved = save(tmp_path)
    path = tmp_path / LABELS_FOLDER / "labels" / f"{saved['name']}.png"
    for label_HW, rule in (
        (np.zeros((3, 4), np.uint8), "must have the photograph's size 64x48 to be kept, but got 4x3 in mereo_labels/"),
        (np.full(SIZE, 77, np.uint8), "77"),
    ):
        Image.fromarray(label_HW).save(path)
        before = path.read_bytes()
        with pytest.raises(BadInput, match=re.escape(rule)) as raised:
            save(tmp_path)
        assert path.read_bytes() == before and str(tmp_path) not in str(raised.value)
    assert save(tmp_path, keep=False)["replaced"] and (label_of(tmp_path, saved)[:12] == 0).all()


def test_the_same_photograph_again_replaces_its_label_only_when_asked(tmp_path: Path) -> None:
    first = save(tmp_path, name="a.jpg")
    again = save(tmp_path, name="another name.jpg", regions=[region("car", slice(0, 5))], keep=False)
    assert again["name"] == first["name"] and again["replaced"]
    assert (label_of(tmp_path, again)[:5] == 2).all() and (label_of(tmp_path, again)[5:] == 255).all()
    other = save(tmp_path, name="a.jpg", seed=1)
    assert other["name"] != first["name"] and len(list((tmp_path / LABELS_FOLDER / "images").iterdir())) == 2
