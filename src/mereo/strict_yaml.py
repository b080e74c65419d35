"""YAML as data only: no tags, no aliases (bombs), no duplicate keys; and pydantic's errors in one line.

Plain words are read as YAML 1.2 reads them, and as people mean them: `1e-4` is a number, `no` a word, 010 ten.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mereo.errors import BadInput

MAX_CHARACTERS = 1_000_000
Model = TypeVar("Model", bound=BaseModel)

_PLAIN_WORDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}


class _DataLoader(yaml.SafeLoader):
    """The safe loader, without tags, aliases and duplicate keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(problem=f"tag {event.tag!r} is not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is not a word", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_decimal(self, node: Any) -> int:
        """The parent's method would read a leading zero as octal."""
        return int(node.value, 16) if node.value.startswith("0x") else int(node.value)


class _DataDumper(yaml.SafeDumper):
    """Quotes a word wherever this loader or a YAML 1.1 loader would read something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_word(self, data: str) -> Any:
        """Rare line ends survive only as escapes."""
        style = '"' if re.search("[\x85\u2028\u2029\ufeff]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_DataDumper.add_representer(str, _DataDumper.represent_word)
_DataLoader.add_constructor("tag:yaml.org,2002:int", _DataLoader.construct_decimal)
for _kind, (_pattern, _first_letters) in _PLAIN_WORDS.items():
    for _class in (_DataLoader, _DataDumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_pattern})$"), _first_letters)


def load_yaml(text: str, *, source: str) -> Any:
    """
    >>> load_yaml("learning_rate: 1e-4", source="a test")
    {'learning_rate': 0.0001}
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput(
            f"YAML must have at most {MAX_CHARACTERS} characters, but got {len(text)} in {source}; shorten it."
        )
    try:
        return yaml.load(text, Loader=_DataLoader)
    except RecursionError as error:
        raise BadInput(f"YAML must be plain data, but got nesting too deep in {source}; flatten it.") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or (str(error).splitlines() or ["nothing readable"])[0]
        raise BadInput(f"YAML must be plain data, but got: {problem} in {source}{where}; mend that line.") from error


def load_yaml_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"YAML must be UTF-8 text, but got {error.reason} in {path}; save it as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"YAML must be a readable file, but got {error.strerror} in {path}; mend the path.") from error
    return load_yaml(text, source=str(path))


def dump_yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=_DataDumper, sort_keys=False, allow_unicode=True, width=120)


def validated(model: type[Model], content: Any, *, source: str, context: Any = None) -> Model:
    """Pydantic's answer, or one `BadInput` that names paths, values and what is wanted."""
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for one in error.errors(include_url=False):
            message = one["msg"].removeprefix("Value error, ").rstrip(".")
            got = "" if one["type"] in ("value_error", "missing") else f", but got {one['input']!r:.80}"
            # Of a value that fits no member of a union, the first member's complaint says enough.
            path = _path_in_content(content, one["loc"], is_missing=one["type"] == "missing")
            problems.setdefault(path, f"{path}: {message}{got}")
        text = "; ".join(list(problems.values())[:5])
        raise BadInput(f"{source} must be valid, but got: {text}{'' if text.endswith('?') else '.'}") from error


def _path_in_content(content: Any, steps: Sequence[int | str], *, is_missing: bool) -> str:
    """The steps that a reader can follow in the file: pydantic adds the tags of unions, which stand nowhere in it."""
    followed: list[str] = []
    for step in steps[: len(steps) - is_missing]:
        if isinstance(content, dict) and step in content:
            content = content[step]
        elif isinstance(content, list | tuple) and isinstance(step, int) and step < len(content):
            content = content[step]
        else:
            continue
        followed.append(str(step))
    return ".".join([*followed, *map(str, steps[len(steps) - is_missing :])]) or "(top)"
