"""The wheel that people install is pure Python and holds every file of the package."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What building needs; `build/` and egg-info of the checkout would put files into the wheel that are no more.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src")
# Kinds that the page may be served (web/page_files.py), though none may be there just now.
SERVED = ("drawing.png", "letters.woff2")
COMPILED = (".so", ".pyd", ".dll", ".dylib", ".c", ".pyx")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    for name in SERVED:
        (folder / "src" / "mereo" / "web" / "page" / name).write_bytes(b"served")
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in ("setuptools", "pip"):
        pytest.importorskip(needed, reason=f"{needed} builds wheels")
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    ended = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(out), str(source)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    (built,) = out.iterdir()
    return built


def files_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.mark.slow
def test_the_wheel_is_pure_python(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in files_in(wheel) if name.endswith(COMPILED)]
    with zipfile.ZipFile(wheel) as archive:
        (facts,) = (name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
        assert "Root-Is-Purelib: true" in archive.read(facts).decode().splitlines()


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path, source: Path) -> None:
    package = source / "src"
    wanted = {path.relative_to(package).as_posix() for path in (package / "mereo").rglob("*") if path.is_file()}
    found = {name for name in files_in(wheel) if ".dist-info/" not in name}
    assert found == wanted
    assert {f"mereo/web/page/{name}" for name in SERVED} <= found
    assert [name for name in found if name.endswith(".safetensors")], "the built-in parsers are inside"


@pytest.mark.slow
def test_the_wheel_names_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (commands,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        assert "mereo = mereo.commands.main:main" in archive.read(commands).decode()
