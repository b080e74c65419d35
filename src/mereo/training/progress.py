"""Progress for a person: a bar with rate and time left on a terminal, a line now and then elsewhere."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 30.0


class StepProgress:
    def __init__(self, num_steps: int, first_step: int, *, is_shown: bool = True) -> None:
        self.num_steps, self.step, self.first_step = num_steps, first_step, first_step
        stream = _Unbreakable(sys.stderr or open(os.devnull, "w"))  # None where it is closed (2>&-).
        self.is_shown, self.is_terminal = is_shown, stream.isatty()
        self.console = Console(file=stream)  # type: ignore[arg-type]
        self.started = self.last_line = time.monotonic()
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} steps/s, loss {task.fields[loss]}{task.fields[note]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (is_shown and self.is_terminal),
        )

    def __enter__(self) -> "StepProgress":
        self.bar.start()
        self.task = self.bar.add_task("", total=self.num_steps, completed=self.step, rate="-", loss="-", note="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def advance(self, loss: float, *, skipped_steps: int) -> None:
        self.step += 1
        now = time.monotonic()
        rate = (self.step - self.first_step) / max(now - self.started, 1e-9)
        note = f", {skipped_steps} skipped" if skipped_steps else ""
        self.bar.update(self.task, completed=self.step, rate=f"{rate:.2f}", loss=f"{loss:.3f}", note=note)
        is_due = now - self.last_line > SECONDS_BETWEEN_LINES or self.step in (self.first_step + 1, self.num_steps)
        if self.is_shown and not self.is_terminal and is_due:
            self.last_line = now
            left = (self.num_steps - self.step) / rate
            self.console.print(
                f"step {self.step}/{self.num_steps}, {rate:.2f} steps/s, loss {loss:.3f}{note}, "
                f"{left / 60:.0f} min left",
                highlight=False,
            )


class _Unbreakable:
    """A stream whose reader may go away: a closed terminal, a dead `tee`, a full log must not end a run of days."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._forgiving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._forgiving():
            self._stream.flush()

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except ValueError:
            pass  # Closed.
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EIO):
                # Its reader is gone for good, and what waits to be written must go somewhere when Python ends.
                with suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
