"""Counts of each image: the same from memory and from the file, and a full disk is explained."""

import errno

import numpy as np
import pytest

from mereo.errors import BadEnvironment
from mereo.evaluation.per_image_counts import PerImageCounts


@pytest.mark.parametrize("max_bytes_in_memory", [1, 239, 240, 241, 10_000])
def test_memory_and_file_hold_the_same(max_bytes_in_memory):
    counts_NK3 = np.random.default_rng(0).integers(0, 2**31 - 1, (5, 4, 3))
    kept = PerImageCounts(4, max_bytes_in_memory=max_bytes_in_memory)
    for counts_K3 in counts_NK3:
        kept.append(counts_K3)
    answer = kept.counts_NK3()
    del kept  # The file goes, what was mapped stays.
    assert isinstance(answer, np.memmap) == (max_bytes_in_memory < 240)
    assert answer.dtype == np.int32
    np.testing.assert_array_equal(answer, counts_NK3)


def test_a_full_disk_is_explained(monkeypatch):
    kept = PerImageCounts(2)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kept._file, "write", full)
    with pytest.raises(BadEnvironment, match="must take the counts of all images, but got No space left on device"):
        kept.append(np.zeros((2, 3)))
