"""Nothing in the repository knows the machine it was written on: no absolute paths, no package host, no secrets."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT_SUFFIXES = {
    *(
        ".py",
        ".md",
        ".toml",
        ".yaml",
        ".yml",
        ".txt",
        ".lock",
        ".json",
        ".jsonl",
        ".csv",
        ".html",
        ".css",
        ".js",
        ".cfg",
    ),
    *(".ini", ".sh", ".svg", ""),
}
# Written in pieces, so that this file does not contain what it looks for.
TRACES = {
    "a path of one machine": re.compile(
        r"(?<![\w.:/-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "op" + "t"]) + r")/[\w.]"
    ),
    "a package host": re.compile(
        "|".join(
            [
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "download" + r"\.pytorch",
                "anaconda" + r"\.org",
                r"file:/" + r"//\w",
            ]
        )
    ),
    "a package index setting": re.compile("--" + r"(?:extra-)?index-url|--" + "find-links|--" + "trusted-host"),
    "a credential": re.compile(r"://[^/\s:@]+:[^/\s@]+@|\b(?:ghp|hf|pypi)_?[A-Za-z0-9]{30,}"),
}


def repository_files() -> list[Path]:
    """What git would carry: tracked files and new ones that it does not ignore."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout (or no git): nothing to list")
    paths = [ROOT / name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix in TEXT_SUFFIXES]


def traces(text: str) -> list[str]:
    return [
        f"line {number}: {what}: {match.group()}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in TRACES.items()
        if (match := pattern.search(line))
    ]


def test_no_traces_in_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)} {trace}"
        for path in repository_files()
        for trace in traces(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found, "write paths relative to the repository, and name no host:\n" + "\n".join(found[:30])


def test_the_check_sees_what_it_should() -> None:
    assert traces("see /ho" + "me/ada/data") and traces("url = https://pypi" + ".org/simple")
    assert traces("https://ada:secret" + "@example.com/x")
    assert not traces("out/working/a.png and `../shared/data` and https://example.com/home/x and /tmp/x")
