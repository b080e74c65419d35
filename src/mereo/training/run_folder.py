"""Run folder: recipe.yaml, metrics.jsonl, timing.json, TensorBoard events, checkpoints/, last and best parser files."""

import json
import os
import time
from pathlib import Path
from typing import Any

from mereo.atomic_files import write_json, write_text
from mereo.errors import BadInput


class RunFolder:
    """`metrics.jsonl` holds only what depends on (data, recipe, seed): a resumed run rewrites it byte for byte.

    Wall time goes to `timing.json` instead. Processes other than the first write nothing (`is_writer` False).
    """

    def __init__(self, path: Path, *, is_writer: bool = True) -> None:
        self.path, self.is_writer = path, is_writer
        self.checkpoints = path / "checkpoints"
        self._metrics: Any = None
        self._tensorboard: Any = None
        self._started = time.monotonic()
        self._seconds_before = 0.0

    def open(self, *, is_resumed: bool, first_step: int) -> None:
        """Ready for the rows of steps from `first_step` on; rows of steps that will be made again are dropped."""
        if not self.is_writer:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        metrics, timing = self.path / "metrics.jsonl", self.path / "timing.json"
        kept: list[str] = []
        if is_resumed and metrics.is_file():
            for line in metrics.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= first_step:
                        kept.append(line)
                except (ValueError, KeyError):
                    break  # A line cut short by a kill: it and what follows is made again.
        write_text(metrics, "".join(f"{line}\n" for line in kept))
        if is_resumed and timing.is_file():
            try:
                self._seconds_before = float(json.loads(timing.read_text())["wall_seconds"])
            except (ValueError, KeyError, TypeError):
                self._seconds_before = 0.0
        self._metrics = open(metrics, "a", encoding="utf-8")
        from torch.utils.tensorboard import SummaryWriter

        self._tensorboard = SummaryWriter(str(self.path), purge_step=first_step + 1 if is_resumed else None)

    def write_metrics(self, step: int, values: dict[str, float | int]) -> None:
        """One row: the step counts from 1 and names the state after it."""
        if self._metrics is None:
            return
        self._metrics.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self._tensorboard.add_scalar(name, value, step)

    def flush(self) -> None:
        """Rows are on disk before the checkpoint that depends on them."""
        if self._metrics is None:
            return
        self._metrics.flush()
        os.fsync(self._metrics.fileno())
        self._tensorboard.flush()
        write_json(self.path / "timing.json", {"wall_seconds": round(self.wall_seconds, 1)})

    @property
    def wall_seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started

    def close(self) -> None:
        if self._metrics is None:
            return
        self.flush()
        self._metrics.close()
        self._tensorboard.close()
        self._metrics = None


def require_free_run_folder(path: Path, *, is_resumed: bool) -> None:
    """A run never overwrites another: an old folder needs --resume, and --resume needs an old folder."""
    has_run = (path / "metrics.jsonl").is_file() or (path / "recipe.yaml").is_file()
    if has_run and not is_resumed:
        raise BadInput(f"run folder must be new, but got a run in {path}; pass --resume, or another --out.")
    if is_resumed and not has_run:
        raise BadInput(f"--resume must find a run, but got none in {path}; leave --resume out to start one.")
