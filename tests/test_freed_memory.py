"""Freed memory goes back every so many images, where the C library can do that."""

import pytest

from mereo import freed_memory


def test_every_sixteenth_image_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(freed_memory, "_malloc_trim", lambda: calls.append)
    monkeypatch.setattr(freed_memory, "_images", iter(range(1, 100)))
    for number in range(1, 34):
        freed_memory.image_done()
        assert len(calls) == number // 16
    assert calls == [0, 0]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_nothing_happens(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory.sys, "platform", platform)
    assert freed_memory._malloc_trim.__wrapped__() is None
    monkeypatch.setattr(freed_memory, "_malloc_trim", lambda: None)
    for _ in range(16):
        freed_memory.image_done()


def test_a_library_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory.sys, "platform", "linux")
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: object())
    assert freed_memory._malloc_trim.__wrapped__() is None
