"""The cache lies where the environment says, else in the user's cache folder."""

from pathlib import Path

import pytest

from mereo.cache_folder import cache_folder


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEREO_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.setenv("MEREO_CACHE", "")  # Not the working directory.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mereo"
    monkeypatch.delenv("MEREO_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "mereo"
