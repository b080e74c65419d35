"""Pillow without its own words: what is wrong with a picture is told once, by Mereo, with the file's name."""

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PIL import Image

_LOCK = threading.Lock()
_users = 0
_silenced: tuple[int | None, warnings.catch_warnings] | None = None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Inside, Pillow warns nobody and knows no limit of pixels: its limit is global and its message names no file.

    Both are settings of the whole process, so the first thread that enters changes them and the last one that leaves
    puts them back.
    """
    global _users
    with _LOCK:
        if _users == 0:
            _silence()
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if _users == 0:
                _unsilence()


@contextmanager
def pixel_limit(pixels: int) -> Iterator[None]:
    """Pillow raises `Image.DecompressionBombError` above this many pixels (or one more). One thread at a time."""
    with _LOCK:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, (pixels + 1) // 2  # It raises above twice its limit.
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _silence() -> None:
    global _silenced
    _silence_libtiff()
    caught = warnings.catch_warnings()
    caught.__enter__()
    warnings.filterwarnings("ignore", module=r"PIL\b")
    _silenced = Image.MAX_IMAGE_PIXELS, caught
    Image.MAX_IMAGE_PIXELS = None


def _unsilence() -> None:
    global _silenced
    if _silenced is not None:
        Image.MAX_IMAGE_PIXELS, caught = _silenced
        caught.__exit__(None, None, None)
        _silenced = None


@cache
def _silence_libtiff() -> None:
    """libtiff writes to the process's stderr, past Python; where Pillow links it so that it can be reached, it is told
    not to. Pillow's logger gets a handler that does nothing, so that Python's last resort does not print.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    try:
        pillow = ctypes.CDLL(Image.core.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            set_handler = getattr(pillow, name)
            set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            set_handler(None)
    except (OSError, AttributeError):
        pass
