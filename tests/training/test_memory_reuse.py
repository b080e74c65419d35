import ctypes
import subprocess
import sys
from pathlib import Path

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
    assert memory_reuse.keep_freed_memory(in_huge_pages=False)
    # No block of its own from the system, and none ever given back: constants of <malloc.h>.
    assert asked == [(-4, 0), (-1, -1)]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory_reuse.keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("no other system has this switch"))
    assert not memory_reuse.keep_freed_memory()


# What of the process was in memory before a block of 64 MiB was filled, and how much in huge pages after (kB).
CHILD = """
import ctypes, re, sys
from pathlib import Path
from mereo.training.memory_reuse import keep_freed_memory
assert keep_freed_memory(in_huge_pages=bool(int(sys.argv[1])))
before = int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
block = ctypes.create_string_buffer(64 << 20)
ctypes.memset(block, 1, 64 << 20)
huge = int(re.search(r"AnonHugePages:\\s+(\\d+)", Path("/proc/self/smaps_rollup").read_text())[1])
print(before, huge)
"""


def measured(*, in_huge_pages: bool) -> tuple[int, int]:
    command = [sys.executable, "-c", CHILD, str(int(in_huge_pages))]
    before, huge = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(before), int(huge)


def test_large_blocks_lie_in_huge_pages_and_wishing_for_them_takes_no_memory() -> None:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("this system grants no huge pages")
    before_plain, huge_plain = measured(in_huge_pages=False)
    before, huge = measured(in_huge_pages=True)
    assert abs(before - before_plain) < 8 << 10  # kB: half of this machine's memory was only wished for
    assert huge >= 32 << 10  # Most of the block; the system may lack some pages.
    if "[always]" not in setting.read_text():
        assert huge_plain < 8 << 10


def test_a_limit_of_addresses_takes_the_wish_away_and_nothing_else() -> None:
    pytest.importorskip("resource", reason="no limit of addresses on this system")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n" + CHILD
    command = [sys.executable, "-c", limited, "1"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0
