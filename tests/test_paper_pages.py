"""Every name on a paper's page is there: functions, classes, tests, files, commands."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "papers").glob("*.md"))


def named(pattern: str, page: Path) -> list[str]:
    return sorted(set(re.findall(pattern, page.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_is_there(page: Path) -> None:
    names = named(r"`(mereo\.[\w.]+)`", page)
    assert names
    for name in names:
        module, rest = name, ""
        while True:
            try:
                found: object = importlib.import_module(module)
                break
            except ModuleNotFoundError:
                module, _, last = module.rpartition(".")
                rest = f"{last}.{rest}" if rest else last
        for part in filter(None, rest.split(".")):
            assert hasattr(found, part), f"{page.name}: {name}"
            found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_is_there(page: Path) -> None:
    tests = named(r"`(tests/[\w/.]+::\w+)`", page)
    assert tests
    for test in tests:
        path, function = test.split("::")
        assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), f"{page.name}: {test}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_is_there(page: Path) -> None:
    for path in named(r"`((?:tests|docs|recipes|benchmarks|src|tools)/[\w/.-]+\.\w+)`", page):
        assert (ROOT / path).is_file(), f"{page.name}: {path}"
