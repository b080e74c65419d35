"""StrictConfig: the parent of every setting. Frozen; an unknown key is an error that names the nearest known one."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from mereo.errors import did_you_mean


class StrictConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys_and_switches(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for key, value in values.items():
            if key not in cls.model_fields:
                raise ValueError(unknown_key_message(str(key), list(cls.model_fields)))
            # Python takes True for 1: `flip: true` would read as "flip always" where flip is a probability.
            if _holds_bool(value) and not _may_be_bool(cls.model_fields[key].annotation):
                raise ValueError(f"{key} must not be true or false, but got {value!r:.80}; write its value")
        return values


def unknown_key_message(key: str, known_keys: list[str]) -> str:
    hint = did_you_mean(key, known_keys, otherwise=f"known keys: {', '.join(known_keys)}")
    return f"key must be a known one, but got {key!r:.80}; {hint}"


def _holds_bool(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_bool(item) for item in value)
    return isinstance(value, bool)


def _may_be_bool(annotation: Any) -> bool:
    """Whether bool (or anything at all) is among an annotation's types."""
    return annotation in (bool, Any, object) or any(_may_be_bool(part) for part in get_args(annotation))
