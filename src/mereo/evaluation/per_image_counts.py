"""Counts of each image (intersection, truth, predicted of each class): in memory while small, then in a file."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mereo.errors import BadEnvironment

MAX_BYTES_IN_MEMORY = 32 * 2**20  # Enough for 20,000 images with 139 classes.


class PerImageCounts:
    """Append K x 3 counts image by image, then ask once for all of them.

    >>> counts = PerImageCounts(num_classes=2)
    >>> counts.append(np.array([[1, 2, 3], [4, 5, 6]]))
    >>> counts.counts_NK3()
    array([[[1, 2, 3],
            [4, 5, 6]]], dtype=int32)
    """

    def __init__(self, num_classes: int, *, max_bytes_in_memory: int = MAX_BYTES_IN_MEMORY) -> None:
        self._num_classes = num_classes
        self._num_images = 0
        self._num_bytes = 0
        self._max_bytes_in_memory = max_bytes_in_memory
        self._file = tempfile.SpooledTemporaryFile(max_size=max_bytes_in_memory)

    def append(self, counts_K3: np.ndarray) -> None:
        content = counts_K3.astype(np.int32).tobytes()  # No image has 2^31 pixels.
        with _full_disk_explained():
            self._file.write(content)
        self._num_images += 1
        self._num_bytes += len(content)

    def counts_NK3(self) -> np.ndarray:
        """int32. What lies in the file is mapped, not read, so memory stays constant. Nothing can be added after."""
        shape = (self._num_images, self._num_classes, 3)
        with self._file, _full_disk_explained():
            self._file.flush()
            if self._num_bytes <= self._max_bytes_in_memory:
                self._file.seek(0)
                return np.frombuffer(self._file.read(), dtype=np.int32).reshape(shape)
            return np.memmap(self._file, dtype=np.int32, mode="r", shape=shape)  # type: ignore[call-overload]


@contextmanager
def _full_disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadEnvironment(
            f"the folder for temporary files must take the counts of all images, but got {error.strerror or error}; "
            "free space or set TMPDIR to another folder."
        ) from error
