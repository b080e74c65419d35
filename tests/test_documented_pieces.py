"""The README's table of pieces names every stage, head and loss that a recipe can, and no other."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from mereo.parser.config import HeadConfig, StageConfig
from mereo.parser.objective import LossConfig

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def documented(kind: str) -> set[str]:
    row = re.search(rf"^\| {kind}[^|]*\|(.*)\|$", README, re.MULTILINE)
    assert row is not None, f"the README must have a row of {kind}"
    return set(re.findall(r"`(\w+)`", row[1]))


def names_of(union: Any, key: str) -> set[str]:
    configs = get_args(get_args(union)[0])  # Annotated[A | B | ..., Field(discriminator=key)]
    return {config.model_fields[key].default for config in configs}


@pytest.mark.parametrize(
    ("kinds", "union", "key"),
    [
        (["necks", "reasoners"], StageConfig, "stage"),
        (["heads"], HeadConfig, "head"),
        (["losses"], LossConfig, "loss"),
    ],
)
def test_the_readme_names_every_piece(kinds: list[str], union: Any, key: str) -> None:
    known = names_of(union, key)
    assert len(known) > 5
    assert set().union(*map(documented, kinds)) == known
