"""Recipes and overrides that are wrong end in one line and exit code 2, whatever reads them, and nothing is written."""

import re
from pathlib import Path

import numpy as np
import pytest
from bad_recipes import BAD_OVERRIDES, BAD_TEXTS, GOOD_TEXTS, Change
from ran_command import Mereo
from small_run import small_recipe, write_recipe, write_rectangles

from mereo.errors import BadInput
from mereo.recipe.recipe import load_recipe
from mereo.strict_yaml import load_yaml

SEEDS = range(5)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with its data, which tests do not change."""
    return write_recipe(tmp_path_factory.mktemp("sound"), small_recipe(steps=1))


def spoilt(sound: Path, folder: Path, change: Change, seed: int = 0) -> Path:
    content = change(sound.read_text(), np.random.default_rng(seed))
    (folder / "recipe.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / "recipe.yaml"


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_no_command_takes_it(
    name: str, sound: Path, tmp_path: Path, mereo: Mereo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change, match = BAD_TEXTS[name]
    recipe = spoilt(sound, tmp_path, change)
    for arguments in (["train", recipe, "--out", "run"], ["show", recipe]):
        ran = mereo(*arguments)
        assert ran.code == 2 and re.search(match, ran.error), ran.error
        assert len(ran.error) < 1500 and ran.out == ""
    ran = mereo("data", "check", recipe)
    # Of a recipe, this command reads only where the data lies.
    assert ran.code == 2 or "train_data" in recipe.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.yaml"}, "nothing was written"


@pytest.mark.parametrize("name", ["noise", "a quotation without end"])
def test_seeds_change_what_is_spoilt(name: str, sound: Path, tmp_path: Path) -> None:
    change, match = BAD_TEXTS[name]
    for seed in SEEDS:
        with pytest.raises(BadInput, match=match):
            load_recipe(spoilt(sound, tmp_path, change, seed))


@pytest.mark.parametrize("name", GOOD_TEXTS)
def test_what_only_looks_odd_is_read(name: str, sound: Path, tmp_path: Path) -> None:
    recipe = load_recipe(spoilt(sound, tmp_path, GOOD_TEXTS[name]))
    assert recipe.training.steps == (10 if name in ("numbers in words", "octal is decimal") else 1)


@pytest.mark.parametrize("override", BAD_OVERRIDES, ids=lambda override: override[:50].replace("\0", "0"))
def test_bad_overrides(override: str, sound: Path, tmp_path: Path, mereo: Mereo) -> None:
    ran = mereo("train", sound, "--out", tmp_path / "run", override)
    assert ran.code == 2 and re.search(BAD_OVERRIDES[override], ran.error), ran.error
    assert len(ran.error) < 1500 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["folder.yaml", "nowhere.yaml", "x" * 5000 + ".yaml", "/dev/zero", ""])
def test_what_is_no_file(name: str, tmp_path: Path, mereo: Mereo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    for arguments in (["train", name, "--out", "run"], ["show", name], ["data", "check", name]):
        if name == "" and arguments[0] == "data":
            continue  # An empty path is this folder.
        ran = mereo(*arguments)
        assert ran.code == 2 and len(ran.error) < 1200, ran.error


@pytest.mark.parametrize("name", [*BAD_TEXTS][:36:2])
def test_the_same_text_as_description_or_taxonomy(name: str, sound: Path, tmp_path: Path, mereo: Mereo) -> None:
    """YAML comes from users in three places; none of them trusts it more than the others."""
    data = write_rectangles(tmp_path / "data")
    change, _ = BAD_TEXTS[name]
    content = change(sound.read_text(), np.random.default_rng(0))
    spoilt_bytes = content if isinstance(content, bytes) else content.encode()
    sound_text = (data / "mereo.yaml").read_text()
    (data / "mereo.yaml").write_bytes(spoilt_bytes)
    ran = mereo("data", "check", data)
    assert ran.code == 2 and len(ran.error) < 1500
    (data / "mereo.yaml").write_text(re.sub(r"taxonomy:\n(  .*\n)+", "taxonomy: taxonomy.yaml\n", sound_text))
    (data / "taxonomy.yaml").write_bytes(spoilt_bytes)
    ran = mereo("data", "check", data)
    assert ran.code == 2 and len(ran.error) < 1500


def test_flipped_and_cut_text_is_read_or_refused(sound: Path) -> None:
    whole, random = sound.read_bytes(), np.random.default_rng(0)
    letters = b":-[]{}&*!|>'\"%@`#,?\t\n \0\xff0~<="
    for _ in range(300):
        content = bytearray(whole[: int(random.integers(1, len(whole) + 1))])
        for _ in range(int(random.integers(1, 6))):
            content[int(random.integers(0, len(content)))] = letters[int(random.integers(0, len(letters)))]
        try:
            load_yaml(content.decode("utf-8", errors="replace"), source="a test")
        except BadInput as error:
            assert "\n" not in str(error)
