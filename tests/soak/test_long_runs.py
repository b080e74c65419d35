"""Long runs: kills at random moments, and memory that must not drift. Only `make soak` runs them."""

import gc
import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from killed_runs import kill_again_and_again, unbroken
from small_run import small_recipe, write_recipe
from warm_process import WarmProcess, warm

from mereo.parser.weights import load

pytestmark = pytest.mark.soak

NUM_KILLS = 500

__all__ = ["warm"]


def test_killed_five_hundred_times_it_ends_byte_equal(
    warm: WarmProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGKILL by the clock and at random file operations: no checkpoint that cannot be read, every end byte-equal."""
    content = small_recipe(steps=100, batch_size=2, checkpoint_every=2, ema_decay=0.9, evaluate_every=15)
    recipe = write_recipe(tmp_path, content)
    kill_again_and_again(warm, recipe, unbroken(warm, recipe), tmp_path, caplog, num_kills=NUM_KILLS, seed=1)


def resident_bytes() -> int:
    """Linux only; elsewhere the test skips."""
    gc.collect()
    status = Path("/proc/self/statm")
    if not status.is_file():
        pytest.skip("no /proc here to read the resident memory from")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_drift_over_two_thousand_parses() -> None:
    """At most 50 MB more in the last hundred of 2,000 images of ever-changing sizes than from 100 to 200."""
    parser = load("street")
    chance = np.random.default_rng(0)
    early, late = 0, 0
    for number in range(2000):
        height, width = (int(side) for side in chance.integers(40, 500, 2))
        parser.parse(chance.integers(0, 255, (height, width, 3), dtype=np.uint8))
        if 100 <= number < 200:
            early = max(early, resident_bytes())
        if number >= 1900:
            late = max(late, resident_bytes())
    assert late - early < 50e6


def test_ten_minutes_of_drawing_never_fail() -> None:
    """Drawn scenes of any seed, size and kind, for ten minutes: no exception, labels in range."""
    from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy

    chance = random.Random(1)
    num_objects, until = drawn_taxonomy().num_objects, time.monotonic() + 600
    while time.monotonic() < until:
        size = (chance.randint(1, 300), chance.randint(1, 400))
        sample = draw_scene(chance.randrange(10**6), chance.randrange(10**6), size=size)
        assert sample.semantic_HW is not None
        labels = set(sample.semantic_HW.unique().tolist())
        assert labels <= {*range(num_objects), 255}, (size, labels)
