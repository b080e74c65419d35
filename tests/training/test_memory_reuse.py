import ctypes
import sys

import pytest

from mereo.training import memory_reuse


def test_takes_on_linux_with_glibc_and_is_left_alone_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Library:
        @staticmethod
        def mallopt(name: int, value: int) -> int:
            asked.append((name, value))
            return 1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    assert memory_reuse.keep_freed_memory()
    # No block of its own from the system, and none ever given back: constants of <malloc.h>.
    assert asked == [(-4, 0), (-1, -1)]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory_reuse.keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("no other system has this switch"))
    assert not memory_reuse.keep_freed_memory()
