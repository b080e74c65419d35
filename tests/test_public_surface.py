"""The public surface is a checked-in list: nobody adds to it, or takes from it, without seeing it."""

import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

import mereo

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_name("public_names.txt")


def public_names() -> list[str]:
    """Every public name with its signature; of a class also the members that Mereo itself defines."""
    lines = []
    for name in sorted(mereo.__all__):
        value = getattr(mereo, name)
        if inspect.isclass(value):
            lines.append(f"class {name}")
            lines += [f"{name}.{member}" for member in members(value)]
        elif callable(value):
            lines.append(f"def {name}({', '.join(parameters(value))})")
        else:
            lines.append(name)
    return lines


def members(kind: type) -> list[str]:
    own = [parent for parent in kind.__mro__ if parent.__module__.startswith("mereo")]
    fields = {field for parent in own for field in parent.__dict__.get("__annotations__", {})}
    methods = {
        f"{member}({', '.join(parameters(value))})" if inspect.isfunction(value) else member
        for parent in own
        for member, value in vars(parent).items()
        if not member.startswith(("_", "model_"))  # model_...: pydantic's own
    }
    shown = {member.split("(")[0] for member in methods}
    return sorted(methods | {field for field in fields if not field.startswith(("_", "model_")) and field not in shown})


def parameters(function: object) -> list[str]:
    """Names only, `*` where keywords begin: a changed default is no changed surface."""
    seen, names = False, []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and not seen:
            names.append("*")
            seen = True
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        seen = seen or prefix == "*"
        if parameter.name != "self":
            names.append(prefix + parameter.name)
    return names


def test_the_list_is_the_surface() -> None:
    present, listed = public_names(), LIST.read_text(encoding="utf-8").splitlines()
    new, gone = sorted(set(present) - set(listed)), sorted(set(listed) - set(present))
    assert present == listed, (
        "The public surface changed.\n"
        f"  new:  {new}\n"
        f"  gone: {gone}\n"
        "If a name is new by accident, give it an underscore or leave it out of mereo.__all__. If one is gone, users'\n"
        "programs break: keep it, or say so in CHANGELOG.md under 'Removed'. If the change is meant, write the list\n"
        "anew with `python tests/test_public_surface.py`, and tell it in CHANGELOG.md."
    )


def test_lazy_names_and_type_checkers_names_agree() -> None:
    tree = ast.parse((ROOT / "src" / "mereo" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: f"{module}.{name}" for name, module in mereo._HOMES.items()}
    assert typed == homes | {"__version__": "mereo.version.VERSION"}
    assert sorted(typed) == sorted(mereo.__all__) == mereo.__all__


def test_every_public_name_is_itself() -> None:
    for name, module in mereo._HOMES.items():
        assert getattr(mereo, name) is getattr(importlib.import_module(module), name)
        assert name in dir(mereo)


def test_every_public_name_has_a_docstring() -> None:
    missing = [name for name in mereo._HOMES if not (getattr(mereo, name).__doc__ or "").strip()]
    assert not missing


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'mereo' has no attribute 'prase'"):
        mereo.prase  # noqa: B018 - the access is the test


if __name__ == "__main__":
    LIST.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
    sys.stdout.write(f"{LIST.name}: {len(public_names())} lines\n")
