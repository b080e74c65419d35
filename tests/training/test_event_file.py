"""TensorBoard reads back what was written: scalars, and pictures to the pixel."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mereo.training.run_folder import RunFolder

PICTURE_HWC = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_pictures_stand_at_the_step_of_the_row_before(tmp_path: Path) -> None:
    run = RunFolder(tmp_path).open(is_resumed=False, first_step=0)
    with run:
        run.write_metrics(1, {"loss": 0.5})
        run.write_metrics(2, {"loss": 0.25})
        run.write_pictures({"concepts": PICTURE_HWC})
        run.write_pictures({})
    found = EventAccumulator(str(tmp_path), size_guidance={"images": 0}).Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [(1, 0.5), (2, 0.25)]
    (event,) = found.Images("concepts")
    assert (event.step, event.height, event.width) == (2, 5, 7)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(event.encoded_image_string))), PICTURE_HWC)


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    RunFolder(tmp_path, is_writer=False).write_pictures({"concepts": PICTURE_HWC})
    assert not list(tmp_path.iterdir())
