"""A photograph that its EXIF tag turns is parsed, clicked on and measured as a person sees it, in all eight ways."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "parser"))
from tiny_grouping_parser import tiny_grouping_parser

from mereo.assembly.parse import Parse
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.pictures.image_reading import read_image
from mereo.data.taxonomy import Taxonomy
from mereo.evaluation.evaluate import evaluate
from mereo.interaction.clicks import Click, clicked_mask, group_photograph
from mereo.strict_yaml import dump_yaml

COLOURS = np.array([[20, 20, 220], [220, 20, 20], [20, 220, 20]], dtype=np.uint8)
# How a picture must be stored so that a viewer which obeys the tag shows it upright.
STORED_FOR_TAG = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class ColourParser:
    """Knows the classes by their colours, so that only a wrong orientation can cost it anything."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy

    def parse(self, image_HWC: np.ndarray, *, name: str, scales: object = None, flip: bool = False) -> Parse:
        distance_HWK = np.abs(image_HWC[:, :, None].astype(int) - COLOURS).sum(axis=-1)
        semantic = distance_HWK.argmin(axis=-1).astype(np.int32)
        return Parse(image_HWC=image_HWC, semantic=semantic, taxonomy=self.taxonomy, name=name)


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_click_is_in_the_upright_photograph(tmp_path: Path, tag: int) -> None:
    colour_HW = np.zeros((24, 40), dtype=np.uint8)
    colour_HW[:8, :16] = 1
    upright = Image.fromarray(COLOURS[colour_HW])
    stored = upright if STORED_FOR_TAG[tag] is None else upright.transpose(STORED_FOR_TAG[tag])
    exif = Image.Exif()
    exif[0x0112] = tag
    stored.save(tmp_path / "a.png", exif=exif)
    photograph = group_photograph(tiny_grouping_parser(), read_image(tmp_path / "a.png"))
    mask_HW = clicked_mask(photograph, [Click(10, 5)], level=1)
    assert mask_HW.shape == colour_HW.shape
    assert (mask_HW != (colour_HW == 1)).sum() <= 1, "a superpixel may cut the corner"


@pytest.mark.parametrize("tag", range(1, 9))
def test_turned_photographs_are_measured_upright(tmp_path: Path, tag: int) -> None:
    label_HW = np.zeros((24, 40), dtype=np.uint8)
    label_HW[:8, :16], label_HW[20:, 30:] = 1, 2
    for kind in ("images", "labels"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    upright = Image.fromarray(COLOURS[label_HW])
    stored = upright if STORED_FOR_TAG[tag] is None else upright.transpose(STORED_FOR_TAG[tag])
    exif = Image.Exif()
    exif[0x0112] = tag
    stored.save(tmp_path / "train" / "images" / "a.jpg", exif=exif, quality=95, subsampling=0)
    Image.fromarray(label_HW).save(tmp_path / "train" / "labels" / "a.png")
    taxonomy = {"name": "three", "objects": ["blue", "red", "green"]}
    description = {"name": "three", "taxonomy": taxonomy, "images": "{split}/images", "semantic": "{split}/labels"}
    (tmp_path / "mereo.yaml").write_text(dump_yaml(description))
    samples = FolderSamples(tmp_path)
    evaluation = evaluate(ColourParser(samples.taxonomy), samples)
    assert evaluation.mean_iou is not None and evaluation.mean_iou > 0.97
