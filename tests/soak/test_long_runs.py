"""Long runs: kills at random moments, and memory that must not drift. Only `make soak` runs them."""

import gc
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from small_run import small_recipe, write_recipe

from mereo.parser.weights import load
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe

pytestmark = pytest.mark.soak

SCRIPT = "import sys; from mereo.commands.main import main; main()"
NUM_KILLS = 30


def test_killed_again_and_again_it_ends_byte_equal(tmp_path: Path) -> None:
    """SIGKILL at random moments, importing and saving included, until the run gets through."""
    chance = random.Random(0)
    recipe = write_recipe(tmp_path, small_recipe(steps=400, checkpoint_every=5, keep_last=2))
    run_recipe(load_recipe(recipe), recipe_folder=tmp_path, out=tmp_path / "whole")
    broken = tmp_path / "broken"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    kills = 0
    while True:
        resume = ["--resume"] if (broken / "recipe.yaml").is_file() else []
        command = [sys.executable, "-c", SCRIPT, "train", str(recipe), "--out", str(broken), *resume]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            if kills < NUM_KILLS:
                process.wait(timeout=chance.uniform(3, 9))
            code = process.wait(timeout=600)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        assert code == 0, process.stderr.read().decode()[-2000:] if process.stderr else code
        break
    assert kills >= 3
    for name in ("metrics.jsonl", "last.safetensors", "per_image.csv"):
        assert (broken / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def resident_bytes() -> int:
    """Linux only; elsewhere the test skips."""
    gc.collect()
    status = Path("/proc/self/statm")
    if not status.is_file():
        pytest.skip("no /proc here to read the resident memory from")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_drift_over_two_thousand_parses() -> None:
    """At most 50 MB from image 100 to image 2,000, of ever-changing sizes."""
    parser = load("street")
    chance = np.random.default_rng(0)
    before = 0
    for number in range(2000):
        height, width = (int(side) for side in chance.integers(40, 500, 2))
        parser.parse(chance.integers(0, 255, (height, width, 3), dtype=np.uint8))
        if number == 100:
            before = resident_bytes()
    assert resident_bytes() - before < 50e6


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
