"""Standard streams that the shell closed (`mereo ... 2>&-`, some service managers) lead to the null device."""

import os
import sys

STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def open_closed_streams() -> None:
    """Else the next file that is opened, a checkpoint for one, would get the number 1 or 2, and whatever writes to the
    stream by its number would write into that file."""
    for number, (name, flags, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest free number: this one, since those below are open.
            os.set_inheritable(os.open(os.devnull, flags), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))
