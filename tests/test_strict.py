"""Every setting is strict: frozen, and an unknown key names the nearest known one."""

from typing import Any

import pytest
from pydantic import ValidationError

from mereo.strict import StrictConfig, unknown_key_message


class Inner(StrictConfig):
    probability: float = 0.5
    is_on: bool = False
    ids: list[int | str] = []
    free: dict[str, Any] = {}


class Outer(StrictConfig):
    inner: Inner = Inner()
    pair: tuple[int, int] = (1, 2)


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(ValidationError, match="got 'probabilty'; did you mean 'probability'"):
        Outer.model_validate({"inner": {"probabilty": 0.1}})


def test_an_unknown_key_without_a_near_one_lists_the_known_ones() -> None:
    assert unknown_key_message("zzz", ["inner", "pair"]) == (
        "key must be a known one, but got 'zzz'; known keys: inner, pair"
    )


def test_an_endless_key_is_shortened() -> None:
    assert len(unknown_key_message("k" * 10_000, ["inner"])) < 200


@pytest.mark.parametrize("content", [{"inner": {"probability": True}}, {"inner": {"ids": [1, True]}}])
def test_true_is_not_a_number(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must not be true or false, but got"):
        Outer.model_validate(content)


def test_true_in_a_pair_is_not_a_number() -> None:
    with pytest.raises(ValidationError, match="pair must not be true or false"):
        Outer.model_validate({"pair": [True, 1]})


def test_true_stays_where_it_belongs() -> None:
    inner = Inner.model_validate({"is_on": True, "free": {"a": True}})
    assert inner.is_on is True and inner.free == {"a": True}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Inner.model_validate({"probability": value})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner().probability = 1.0
