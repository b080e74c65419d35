"""TensorBoard's events, written as they come.

Its own writer hands them to a thread, and a full disk would end that thread with a traceback in the user's terminal.
"""

import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np

from mereo.data.pictures.picture_bytes import picture_bytes


class EventFile:
    """Scalars and pictures by name and step. On resuming, `purge_step` makes TensorBoard forget what is made again."""

    def __init__(self, folder: Path, *, purge_step: int | None = None) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = Event, Summary
        name = f"events.out.tfevents.{int(time.time()):010d}.{secrets.token_hex(4)}"
        self._file = open(folder / name, "xb")
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        if purge_step is not None:
            self._write(step=purge_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, values: dict[str, float | int]) -> None:
        scalars = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=self._summary(value=scalars))

    def add_pictures(self, step: int, pictures: dict[str, np.ndarray]) -> None:
        """Each H W 3 uint8, as a PNG."""
        values = []
        for name, picture_HWC in pictures.items():
            png, (height, width, colours) = picture_bytes(picture_HWC, "PNG"), picture_HWC.shape
            image = self._summary.Image(height=height, width=width, colorspace=colours, encoded_image_string=png)
            values.append(self._summary.Value(tag=name, image=image))
        self._write(step=step, summary=self._summary(value=values))

    def _write(self, **content: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **content).SerializeToString())

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
