"""Pillow's settings of the whole process: changed while anybody reads, put back after the last one, in any order."""

import threading
import warnings

import pytest
from PIL import Image

from mereo.data.pictures.quiet_pillow import pixel_limit, quiet_pillow


def test_settings_come_back_whoever_leaves_first() -> None:
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    inside, may_leave = threading.Barrier(3), [threading.Event(), threading.Event()]

    def read(number: int) -> None:
        with quiet_pillow():
            inside.wait(timeout=10)
            may_leave[number].wait(timeout=10)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(timeout=10)
    assert Image.MAX_IMAGE_PIXELS is None
    may_leave[0].set()
    threads[0].join(timeout=10)
    assert Image.MAX_IMAGE_PIXELS is None, "the other thread still reads"
    may_leave[1].set()
    threads[1].join(timeout=10)
    assert Image.MAX_IMAGE_PIXELS == limit and warnings.filters == filters


def test_an_error_inside_puts_them_back_too() -> None:
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with pytest.raises(KeyError), quiet_pillow(), quiet_pillow(), pixel_limit(100):
        raise KeyError
    assert Image.MAX_IMAGE_PIXELS == limit and warnings.filters == filters


def test_only_pillows_warnings_are_unheard() -> None:
    with pytest.warns(UserWarning, match="mine"), quiet_pillow():
        warnings.warn("mine", stacklevel=1)
        warnings.warn_explicit("Pillow's", UserWarning, "TiffImagePlugin.py", 1, module="PIL.TiffImagePlugin")
        warnings.warn_explicit("mine too", UserWarning, "a.py", 1, module="PILOT")


@pytest.mark.parametrize("pixels", [23, 24, 1_000_000])
def test_pillow_refuses_what_is_above_the_limit(pixels: int) -> None:
    with quiet_pillow(), pixel_limit(pixels):
        Image._decompression_bomb_check((pixels, 1))
        with pytest.raises(Image.DecompressionBombError):
            Image._decompression_bomb_check((pixels + 2, 1))
