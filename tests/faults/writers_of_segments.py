"""Writers of merged segments: the page and the command around it. Pictures are made once: this is about files."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_merging_history import made_history
from writers_of_answers import small_parse, small_picture

from mereo.commands.explain import explain
from mereo.drawing import segment_page
from mereo.drawing.segment_page import write_segment_page
from mereo.drawing.segment_pictures import SegmentPictures
from mereo.interaction.segment_explanation import SegmentExplanation


def explanation() -> SegmentExplanation:
    embedding_Dhw = np.ones((2, 3, 4)) / np.sqrt(2)
    history = made_history(class_S=np.zeros(6, dtype=np.int64), class_G=np.zeros(3, dtype=np.int64))
    return SegmentExplanation(small_parse(), embedding_Dhw, history)


def write_page_of_segments(folder: Path) -> None:
    made = explanation()
    pictures = SegmentPictures(made.parse, made.history, made.embedding_Dhw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_page, "chosen_steps", lambda num_steps: [0, num_steps])
        patch.setattr(segment_page, "segment_numbers_png", lambda *arguments: b"a picture")
        for what in ("embedding", "over_segmentation", "answer"):
            patch.setattr(SegmentPictures, what, lambda self: small_picture())
        patch.setattr(SegmentPictures, "step", lambda self, step: small_picture())
        write_segment_page(folder, pictures, name="a")


def explain_segments_of_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    made = explanation()

    def page(out: Path, *arguments: Any, **options: Any) -> Path:
        return out / "index.html"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: made.parse.image_HWC)
        patch.setattr("mereo.interaction.segment_explanation.explain_segments", lambda *arguments: made)
        patch.setattr("mereo.drawing.segment_page.write_segment_page", page)
        explain(Path("a.jpg"), segments=True, out=folder / "out")


WRITERS_OF_SEGMENTS = {
    "page of segments": write_page_of_segments,
    "explanation of segments": explain_segments_of_one,
}
