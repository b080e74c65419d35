"""Every Python block of the README and of docs/ uses names that are there, with arguments that they take."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mereo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]
# What a variable of this name is in the examples.
KINDS = {"parse": "Parse", "parser": "SceneParser"}


def problems(block: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mereo"):
            module = importlib.import_module(node.module or "")
            yield from (f"{node.module}.{one.name}" for one in node.names if not hasattr(module, one.name))
        elif isinstance(node, ast.Attribute) and _owner(node) is not None and not hasattr(_owner(node), node.attr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _owner(node.func) is not None:
            called: Any = getattr(_owner(node.func), node.func.attr, None)
            itself = [] if _owner(node.func) is mereo else [None]
            try:
                inspect.signature(called).bind(*itself, *node.args, **{one.arg or "": None for one in node.keywords})
            except TypeError as error:
                yield f"{ast.unparse(node)}: {error}"


def _owner(node: ast.Attribute) -> Any:
    """`mereo` itself, or the class of a variable that the examples are known by."""
    if not isinstance(node.value, ast.Name):
        return None
    if node.value.id == "mereo":
        return mereo if node.attr in mereo.__all__ else object()
    kind = KINDS.get(node.value.id)
    # Fields without a default are no attributes of their class.
    is_field = kind is not None and node.attr in getattr(getattr(mereo, kind), "__dataclass_fields__", ())
    return None if kind is None or is_field else getattr(mereo, kind)


@pytest.mark.parametrize("block", BLOCKS)
def test_names_and_arguments(block: str) -> None:
    assert list(problems(block)) == []


def test_the_check_sees_what_it_should() -> None:
    assert len(BLOCKS) >= 6
    assert list(problems("import mereo\nmereo.prase('a.jpg')"))
    assert list(problems("import mereo\nmereo.parse('a.jpg', tiles='auto')"))
    assert list(problems("parse.masks('car')")) and list(problems("parse.at(1)"))
    assert list(problems("from mereo.data.pictures.image_reading import read_picture"))


def test_the_readmes_first_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "holiday").mkdir()
    image_CHW = mereo.DrawnScenes(1, seed=1, size=(240, 400))[0].image_CHW
    Image.fromarray(np.ascontiguousarray(image_CHW.permute(1, 2, 0))).save(tmp_path / "holiday" / "street.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))[0], names)
    parse = names["parse"]
    assert parse.name == "street" and parse.mask(parse.at(320, 200).name)[200, 320]
