"""SIGTERM, SIGINT and SIGHUP set a flag; the loop saves at the step's end and stops, measuring stops between images."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# SIGHUP: the terminal went away (a closed laptop, a lost ssh). Windows has none.
STOPPING = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


class Stopped(Exception):
    """Raised by `raise_if_set`, where there is nothing to save and the work can be done again."""


class StopSignals:
    """A second Ctrl-C does what Ctrl-C always does; other signals may come as often as they like.

    What the starter of this process chose to ignore (nohup, a script's background job) stays ignored. Outside the main
    thread (no signals there) the flag stays down.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        return self

    def listen(self) -> None:
        """From here on there is something to lose; before, a signal ends the program as it always does."""
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._raise_flag)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def raise_if_set(self, *_: Any) -> None:
        """For a progress callback: whatever it is called with, it only looks at the flag."""
        if self.is_set:
            raise Stopped

    def _raise_flag(self, number: int, frame: FrameType | None) -> None:
        if self.is_set and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.is_set = True
