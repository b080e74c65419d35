from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.stacked_annotators import StackedAnnotatorSamples
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def write(root: Path, stacked: np.ndarray) -> None:
    for folder in ("images", "annotators"):
        (root / "train" / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(root / "train" / "images" / "a.png")
    Image.fromarray(stacked).save(root / "train" / "annotators" / "a.png")


def test_annotators_are_unstacked_in_order(tmp_path):
    maps = np.random.default_rng(0).integers(1, 200, (5, 3, 4), dtype=np.uint8)
    write(tmp_path, maps.reshape(15, 4))
    samples = StackedAnnotatorSamples(tmp_path)
    sample = samples[0]
    np.testing.assert_array_equal(sample.annotators_AHW.numpy(), maps)
    assert sample.size == (3, 4) and sample.semantic_HW is None
    assert samples.names == ["a"] and samples.raw_labels(0) == []


@pytest.mark.parametrize("size", [(8, 4), (9, 5)])
def test_a_stack_must_fit_the_image(tmp_path, size):
    write(tmp_path, np.ones(size, np.uint8))
    with pytest.raises(
        BadInput, match=rf"multiple of its height 4x3 .*but got {size[1]}x{size[0]} in .*annotators.a.png"
    ):
        StackedAnnotatorSamples(tmp_path)[0]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_real_annotators():
    samples = StackedAnnotatorSamples(SHARED / "bsds500", split="val")
    sample = samples[0]
    assert sample.annotators_AHW.shape == (5, *sample.size)
    # Each annotator's regions are numbered from 1 without a gap.
    for map_HW in sample.annotators_AHW:
        ids = map_HW.unique().tolist()
        assert ids == list(range(1, len(ids) + 1))
