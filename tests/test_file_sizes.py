"""One idea a file: at most 300 lines, and no drawer that collects what found no better place."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "examples", "benchmarks", "tools")
MAX_LINES = 300
MAX_TRAINING_LOOP_LINES = 200
DRAWERS = {"utils", "util", "misc", "common", "helpers", "helper", "core", "base", "manager", "stuff", "tools"}


def python_files() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long, f"files must have at most {MAX_LINES} lines; split by idea: {long}"


def test_the_training_loop_stays_readable() -> None:
    loop = ROOT / "src" / "mereo" / "training" / "loop.py"
    assert len(loop.read_text(encoding="utf-8").splitlines()) <= MAX_TRAINING_LOOP_LINES


def test_no_drawer_names() -> None:
    package = ROOT / "src"
    drawers = [
        str(path.relative_to(ROOT)) for path in package.rglob("*") if DRAWERS & set(path.stem.lower().split("_"))
    ]
    assert not drawers, f"name a file after its idea, not after a drawer: {drawers}"


def test_test_files_have_unique_names() -> None:
    # pytest without packages in tests/ imports files by their bare name.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
    assert not list((ROOT / "tests").rglob("__init__.py"))
