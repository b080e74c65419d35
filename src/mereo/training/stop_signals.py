"""SIGTERM and SIGINT set a flag; the loop saves at the step's end and stops."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopSignals:
    """A second Ctrl-C does what Ctrl-C always does. Outside the main thread (no signals there) the flag stays down."""

    def __init__(self) -> None:
        self.is_set = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._raise_flag)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _raise_flag(self, number: int, frame: FrameType | None) -> None:
        if self.is_set and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.is_set = True
