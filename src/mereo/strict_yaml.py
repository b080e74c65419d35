"""YAML as data only: no tags, no aliases (bombs), no duplicate keys; and pydantic's errors in one line.

Plain words are read as YAML 1.2 reads them, and as people mean them: `1e-4` is a number, `no` a word, 010 ten.
"""

import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mereo.errors import BadInput

MAX_CHARACTERS = 1_000_000
# A taxonomy of all 3,000 classes of ADE20K has some 40,000 values; a recipe nests five deep.
MAX_VALUES = 100_000
MAX_DEPTH = 64
MAX_DIGITS = 1000
MOST_BYTES = 4 * MAX_CHARACTERS
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
    """The safe loader, without tags, aliases and duplicate keys; and no more values than one may wait for."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = self.num_values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        self.num_values += 1
        problem = None
        if isinstance(event, yaml.AliasEvent):
            problem = "aliases are not allowed"
        elif getattr(event, "tag", None) is not None:
            problem = f"tag {event.tag!r:.80} is not allowed"
        elif isinstance(event, yaml.ScalarEvent) and re.search("[\ud800-\udfff]", event.value):
            problem = "half a surrogate pair is not allowed"
        elif self.depth > MAX_DEPTH:
            problem = "nesting too deep"
        elif self.num_values > MAX_VALUES:
            problem = f"more than {MAX_VALUES} values"
        if problem is not None:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise yaml.MarkedYAMLError(problem=f"key {key!r:.80} is not a word", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r:.80} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_decimal(self, node: Any) -> int:
        """The parent's method would read a leading zero as octal."""
        if len(node.value) > MAX_DIGITS:
            raise yaml.MarkedYAMLError(
                problem=f"a number of more than {MAX_DIGITS} digits", problem_mark=node.start_mark
            )
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
    return load_yaml(read_yaml_text(path), source=str(path))


def read_yaml_text(path: Path) -> str:
    """Not more of a file than YAML may have, and nothing of a pipe or a device, which may never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"YAML must be a regular file, but got another kind in {path}; name a text file.")
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"YAML must be a readable file, but got {error.strerror} in {path}; mend the path.") from error
    if len(content) > MOST_BYTES:
        raise BadInput(f"YAML must have at most {MAX_CHARACTERS} characters, but got more in {path}; shorten it.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"YAML must be UTF-8 text, but got {error.reason} in {path}; save it as UTF-8.") from error


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
