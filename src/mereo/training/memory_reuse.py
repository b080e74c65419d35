"""Keep freed memory instead of giving it back to the system after every step (Linux with glibc).

A training step frees and asks again for the same large blocks; with glibc's defaults each of them is mapped anew and
its pages are zeroed one fault at a time. What is kept lies in pages of 2 MiB where the system grants them: a step walks
through gigabytes, and behind pages of 4 KiB it waits for addresses. benchmarks/training_step.py measures both
(benchmarks/README.md). Only the training command calls this: a service should give memory back.
"""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
MADV_HUGEPAGE = 14
HUGE_PAGE = 2 << 20  # bytes


def keep_freed_memory(*, in_huge_pages: bool = True) -> bool:
    """True if the allocator took the settings. Huge pages are a wish: a system without them answers as before."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        mallopt = library.mallopt
    except (OSError, AttributeError):
        return False  # Another C library (musl): its allocator has no such switch.
    if not mallopt(M_MMAP_MAX, 0) or not mallopt(M_TRIM_THRESHOLD, -1):  # -1: never trim; a step may free several GB
        return False
    if in_huge_pages:
        _wish_for_huge_pages(library, num_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    return True


def _wish_for_huge_pages(library: ctypes.CDLL, *, num_bytes: int) -> None:
    """Grow the heap by addresses alone: nothing is touched, so no memory is taken before a step asks for it.

    The block goes back at once and stays the heap's (no trimming): later blocks are cut from it.
    """
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    block = library.malloc(num_bytes)
    if not block:
        return  # A limit of addresses (ulimit -v), or a system that promises no more than it has.
    start = -(-block // HUGE_PAGE) * HUGE_PAGE
    library.madvise(start, (block + num_bytes - start) // HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE)
    library.free(block)
