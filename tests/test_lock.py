"""The lock files give exact versions of everything, name no host, and fit pyproject.toml and what is installed."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file_name: str) -> dict[str, Requirement]:
    lines = (ROOT / file_name).read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {normal(requirement.name): requirement for requirement in requirements}


CORE, DEV = locked("requirements.lock"), locked("requirements-dev.lock")


def test_every_line_is_one_exact_version() -> None:
    for requirement in (CORE | DEV).values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"{requirement} must be pinned by =="
        assert requirement.url is None
    assert not CORE.keys() & DEV.keys()


def test_linux_only_packages_carry_a_marker() -> None:
    for name, requirement in (CORE | DEV).items():
        if name.startswith(("nvidia-", "cuda-")) or name == "triton":
            assert requirement.marker is not None and requirement.marker.evaluate({"sys_platform": "linux"})
            assert not requirement.marker.evaluate({"sys_platform": "darwin"})


def test_the_lock_answers_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [(line, CORE) for line in project["dependencies"]]
    wanted += [(line, CORE | DEV) for extra in extras.values() for line in extra]
    for line, lock in wanted:
        requirement = Requirement(line)
        if requirement.name != "mereo":
            pin = lock.get(normal(requirement.name))
            assert pin is not None, f"{requirement.name} is not in the lock; run `make lock`"
            assert requirement.specifier.contains(str(pin.specifier).removeprefix("==")), f"{pin} is not {requirement}"


def test_what_is_installed_is_what_is_locked() -> None:
    if not list((ROOT / ".venv").glob(".installed-dev-*")):
        pytest.skip("this environment was not made by `make test`, so it may differ from the lock")
    different = {}
    for name, requirement in (CORE | DEV).items():
        if requirement.marker is None or requirement.marker.evaluate():
            try:
                installed = version(name)
            except PackageNotFoundError:
                installed = "nothing"
            if f"=={installed}" != str(requirement.specifier):
                different[name] = f"{installed}, locked {requirement.specifier}"
    assert not different
