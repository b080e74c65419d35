"""Does an ONNX graph answer as its parser? Asked with ONNX Runtime, at sizes that it was not traced with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mereo.errors import BadEnvironment
from mereo.parser.asking.answering import answering
from mereo.parser.asking.answers_of_one import answers_of_one
from mereo.parser.asking.image_scores import scores_of
from mereo.parser.export.onnx_graph import INPUT, OUTPUT
from mereo.parser.export.onnx_libraries import onnxruntime_library
from mereo.parser.scene_parser import SceneParser

TOLERANCE = 1e-4  # Parts of the range of all scores.
CHECKED_SIZES = ((97, 161), (203, 130))
CHECKED_BATCHES = (1, 3)
BLOCK_PIXELS = 8  # Checked pictures are coloured blocks of this side: neighbours share a class, as in photographs.


@dataclass(frozen=True)
class Agreement:
    """`largest_difference` is in parts of the range of the parser's scores, over all pictures."""

    largest_difference: float
    num_pictures: int


def require_same_answers(parser: SceneParser, content: bytes) -> Agreement:
    """Scores within TOLERANCE, the same class wherever two classes are further apart; or an error that says where."""
    session = session_of(content)
    largest, num_pictures = 0.0, 0
    for height, width in CHECKED_SIZES:
        for batch in CHECKED_BATCHES:
            image_BCHW = blocks_BCHW(batch, height, width)
            wanted_BKhw = parser_scores(parser, image_BCHW)
            difference = compared(answered(session, image_BCHW), wanted_BKhw, at=f"{width}x{height}, batch {batch}")
            largest, num_pictures = max(largest, difference), num_pictures + batch
    return Agreement(largest, num_pictures)


def session_of(content: bytes) -> Any:
    """An `onnxruntime.InferenceSession` on the processor, with as many threads as torch has."""
    onnxruntime = onnxruntime_library()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # What it raises is told below, once.
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # Its exceptions have no base of their own.
        raise _refused(error) from error


def answered(session: Any, image_BCHW: np.ndarray) -> np.ndarray:
    """`scores_BKhw` of the graph."""
    try:
        scores_BKhw: np.ndarray = session.run([OUTPUT], {INPUT: image_BCHW})[0]
    except Exception as error:
        raise _refused(error) from error
    return scores_BKhw


@torch.no_grad()
def parser_scores(parser: SceneParser, image_BCHW: np.ndarray) -> np.ndarray:
    """`scores_BKhw` as `parser.parse` has them."""
    with answering(parser):
        answers = parser(torch.from_numpy(image_BCHW).to(parser.mean_311.device))
        of_each = [scores_of(answers_of_one(answers, index)).scores_Khw for index in range(len(image_BCHW))]
    scores_BKhw: np.ndarray = torch.stack(of_each).float().cpu().numpy()
    return scores_BKhw


def compared(found_BKhw: np.ndarray, wanted_BKhw: np.ndarray, *, at: str) -> float:
    """The largest difference, in parts of the range of the wanted scores."""
    if found_BKhw.shape != wanted_BKhw.shape:
        raise _differs(f"shape {found_BKhw.shape} for {wanted_BKhw.shape}", at)
    spread = max(float(wanted_BKhw.max() - wanted_BKhw.min()), float(np.finfo(np.float32).tiny))
    difference = float(np.abs(found_BKhw - wanted_BKhw).max()) / spread
    if not difference <= TOLERANCE:  # Written so that NaN differs.
        raise _differs(f"scores that differ by {difference:.2g} of their range", at)
    winner_B1hw = found_BKhw.argmax(axis=1)[:, None]
    behind_Bhw = wanted_BKhw.max(axis=1) - np.take_along_axis(wanted_BKhw, winner_B1hw, axis=1)[:, 0]
    num_other = int((behind_Bhw > TOLERANCE * spread).sum())
    if num_other:
        raise _differs(f"another class at {num_other} of {behind_Bhw.size} cells", at)
    return difference


def blocks_BCHW(batch: int, height: int, width: int) -> np.ndarray:
    """Pictures of random colours, the same ones every time."""
    random = np.random.default_rng((batch, height, width))
    coarse = random.integers(0, 256, (batch, 3, -(-height // BLOCK_PIXELS), -(-width // BLOCK_PIXELS)), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(BLOCK_PIXELS, axis=2).repeat(BLOCK_PIXELS, axis=3)[..., :height, :width])


def _refused(error: Exception) -> BadEnvironment:
    return BadEnvironment(
        f"ONNX Runtime must take the exported graph, but got: {' '.join(str(error).split())[:300]}; nothing was "
        "written: install another version of onnxruntime or torch, and export again."
    )


def _differs(got: str, at: str) -> BadEnvironment:
    return BadEnvironment(
        f"an exported graph must answer as its parser does, but got {got} at {at}; nothing was written: install "
        "another version of onnxruntime or torch and export again, or report it."
    )
