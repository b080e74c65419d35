"""Words are held out sequence by sequence, by a rule that needs nothing but the names of the files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mereo.data.formats.folder_format import FolderSamples
from mereo.data.scene_words import held_out_stems, sequence_name
from mereo.errors import BadInput

DESCRIPTION = """
name: walks
taxonomy: {objects: [all], scenes: [town, field]}
images: "{split}/images"
semantic: "{split}/labels"
scenes: scenes.csv
scene_sequence: "(.*)__"
"""
STEMS = {f"{street}__{number}": street % 2 for street in range(12) for number in range(2)}


@given(st.dictionaries(st.tuples(st.integers(0, 15), st.integers(0, 3)), st.integers(0, 2), max_size=40))
def test_no_sequence_is_torn_and_no_word_is_lost(words: dict[tuple[int, int], int]) -> None:
    word_of_stem = {f"street{street}_{number}": word for (street, number), word in words.items()}
    held_out = held_out_stems(word_of_stem, "(.*)_")
    sequences = {stem.split("_")[0] for stem in held_out}
    assert all((stem in held_out) == (stem.split("_")[0] in sequences) for stem in word_of_stem)
    assert {word_of_stem[stem] for stem in held_out} <= {
        word for stem, word in word_of_stem.items() if stem not in held_out
    }


def test_the_rule_is_the_same_everywhere() -> None:
    """A change here changes what was trained on and what was measured."""
    held_out = held_out_stems(STEMS, "(.*)__")
    assert sorted({stem.split("__")[0] for stem in held_out}) == GOLDEN
    backwards = dict(reversed(STEMS.items()))
    assert held_out_stems(backwards, "(.*)__") == held_out


def test_groups_make_the_name_of_a_sequence() -> None:
    pattern = "(pile__)[a-z]+_([a-z]{1,3})|(.*__)"
    assert sequence_name("pile__town_boston12", pattern) == sequence_name("pile__field_bost7", pattern) == "pile__bos"
    assert sequence_name("walk__IMG_1", pattern) == "walk__"
    with pytest.raises(BadInput, match="scene_sequence must match the start of every stem, but got 'alone' for"):
        sequence_name("alone", pattern)


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    for split, stems in {"train": [*STEMS, "wordless__0"], "val": ["new__0"]}.items():
        for kind in ("images", "labels"):
            (tmp_path / split / kind).mkdir(parents=True)
            for stem in stems:
                shape = (2, 2, 3) if kind == "images" else (2, 2)
                Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / split / kind / f"{stem}.png")
    rows = [f"{stem},train,{['town', 'field'][word]}" for stem, word in STEMS.items()]
    (tmp_path / "scenes.csv").write_text("\n".join(["image,split,scene", *rows, "new__0,val,town"]))
    (tmp_path / "mereo.yaml").write_text(DESCRIPTION)
    return tmp_path


def test_what_a_folder_gives_for_each_choice(walks: Path) -> None:
    held_out = held_out_stems(STEMS, "(.*)__")
    words = {
        choice: {sample.name: sample.scene for sample in FolderSamples(walks, scenes=choice)}
        for choice in ("all", "train", "held_out", "none")
    }
    assert words["all"] == {**STEMS, "wordless__0": None}
    # The others keep their pictures and label maps, and lose only the word.
    assert words["train"] == {name: None if name in held_out else STEMS.get(name) for name in words["all"]}
    assert words["held_out"] == {name: STEMS[name] for name in STEMS if name in held_out}
    assert words["none"] == dict.fromkeys(words["all"])
    assert FolderSamples(walks, scenes="held_out")[0].semantic_HW is not None


def test_what_cannot_be_held_out(walks: Path) -> None:
    with pytest.raises(BadInput, match="held-out scenes must be at least one, but got none in"):
        FolderSamples(walks, split="val", scenes="held_out")
    (walks / "mereo.yaml").write_text(DESCRIPTION.replace("scene_sequence", "# scene_sequence"))
    with pytest.raises(BadInput, match="scenes: held_out must have scenes and scene_sequence in the description"):
        FolderSamples(walks, scenes="held_out")
    for pattern, problem in (("(.*", "must be a regular expression, but got"), (".*__", "must have a group, but got")):
        (walks / "mereo.yaml").write_text(DESCRIPTION.replace("(.*)__", pattern))
        with pytest.raises(BadInput, match=f"scene_sequence {problem}"):
            FolderSamples(walks)


GOLDEN = ["2", "4", "7", "9"]
