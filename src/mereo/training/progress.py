"""Progress for a person: a bar with rate and time left on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 30.0


class StepProgress:
    def __init__(self, num_steps: int, first_step: int, *, is_shown: bool = True) -> None:
        self.num_steps, self.step, self.first_step = num_steps, first_step, first_step
        self.is_shown, self.is_terminal = is_shown, sys.stderr.isatty()
        self.console = Console(stderr=True)
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
