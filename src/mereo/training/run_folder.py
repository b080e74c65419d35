"""Run folder: recipe.yaml, metrics.jsonl, timing.json, TensorBoard events, checkpoints/, last and best parser files."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mereo.atomic_files import remove_leftovers, write_json, write_text
from mereo.errors import BadEnvironment, BadInput
from mereo.run_files import METRICS_FILE, RECIPE_FILE, TIMING_FILE
from mereo.training.event_file import EventFile


class RunFolder:
    """`metrics.jsonl` holds only what depends on (data, recipe, seed): a resumed run rewrites it byte for byte.

    Wall time goes to `timing.json` instead. Processes other than the first write nothing (`is_writer` False).
    """

    def __init__(self, path: Path, *, is_writer: bool = True) -> None:
        self.path, self.is_writer = path, is_writer
        self.checkpoints = path / "checkpoints"
        self._metrics: Any = None
        self._events: EventFile | None = None
        self._started = time.monotonic()
        self._seconds_before = 0.0
        self._last_step = 0

    def open(self, *, is_resumed: bool, first_step: int, is_score_due: bool = False) -> "RunFolder":
        """Ready for the rows of steps from `first_step` on; rows that will be made again are dropped."""
        if not self.is_writer:
            return self
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.path)
            metrics = self.path / METRICS_FILE
            kept = _rows_before(metrics, first_step, is_score_due=is_score_due) if is_resumed else []
            write_text(metrics, "".join(f"{line}\n" for line in kept))
            if is_resumed:
                self._seconds_before = _seconds_in(self.path / TIMING_FILE)
            self._metrics = open(metrics, "a", encoding="utf-8")
            self._events = EventFile(self.path, purge_step=first_step + 1 if is_resumed else None)
        return self

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Rows that are not written yet must not hide why the run ended, nor be tried again when Python ends."""
        try:
            if error is None:
                self.flush()
        finally:
            for file in (self._metrics, self._events):
                if file is not None:
                    with suppress(OSError):
                        file.close()
            self._metrics = self._events = None

    def write_metrics(self, step: int, values: dict[str, float | int]) -> None:
        """One row: the step counts from 1 and names the state after it."""
        if self._metrics is None or self._events is None:
            return
        with self._explained():
            self._metrics.write(json.dumps({"step": step, **values}) + "\n")
            self._events.add(step, values)
        self._last_step = step

    def write_pictures(self, pictures: dict[str, np.ndarray]) -> None:
        """For TensorBoard, beside the row written last. Each H W 3 uint8."""
        if self._events is None or not pictures:
            return
        with self._explained():
            self._events.add_pictures(self._last_step, pictures)

    def flush(self) -> None:
        """Rows are on disk before the checkpoint that depends on them."""
        if self._metrics is None or self._events is None:
            return
        with self._explained():
            self._metrics.flush()
            os.fsync(self._metrics.fileno())
            self._events.flush()
        write_json(self.path / TIMING_FILE, {"wall_seconds": round(self.wall_seconds, 1)})

    @property
    def wall_seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BadEnvironment(
                f"run folder {self.path} must be writable, but got: {error.strerror or error}; "
                "free space, then go on with --resume."
            ) from error


def require_free_run_folder(path: Path, *, is_resumed: bool) -> None:
    """A run never overwrites another: an old folder needs --resume, and --resume needs an old folder."""
    has_run = (path / METRICS_FILE).is_file() or (path / RECIPE_FILE).is_file()
    if has_run and not is_resumed:
        raise BadInput(f"run folder must be new, but got a run in {path}; pass --resume, or another --out.")
    if is_resumed and not has_run:
        raise BadInput(f"--resume must find a run, but got none in {path}; leave --resume out to start one.")


def _rows_before(metrics: Path, first_step: int, *, is_score_due: bool) -> list[str]:
    """Rows up to and with `first_step`; of a score that is measured again, none."""
    kept: list[str] = []
    if not metrics.is_file():
        return kept
    for line in metrics.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
            if row["step"] < first_step or (row["step"] == first_step and not (is_score_due and "score" in row)):
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            break  # A line cut short by a kill: it and what follows is made again.
    return kept


def _seconds_in(timing: Path) -> float:
    try:
        return float(json.loads(timing.read_text(encoding="utf-8"))["wall_seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0  # Only a note for readers.
