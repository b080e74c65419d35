"""Parsing in tiles: a picture of any size in little memory, its labels given band by band from top to bottom.

Tiles are cut from the picture at its working size, and the scores of the head, not the labels, are blended where they
overlap. A band of blended scores is kept only until the rows below it are known.
"""

from collections.abc import Iterator, Sequence
from math import lcm
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.label_bands import LabelBand
from mereo.assembly.tiles import AxisTile, tiles_along
from mereo.assembly.upsampled_labels import RowWindow, labels_of_scores, rows_from
from mereo.data.pictures.image_bands import ArrayBands, ImageBands, resized_rows
from mereo.errors import BadInput
from mereo.features.stage import layout_or_none
from mereo.parser.asking.answering import answering
from mereo.parser.asking.image_scores import image_scores, prepared_image, scores_of
from mereo.parser.asking.plain_labels import ImageLabels
from mereo.parser.asking.tiled_things import ThingsOfTiles, tells_things_apart

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser

TileSide = int | Literal["auto"]
AUTO_TILE = 1024
AUTO_OVERLAP = 8  # A tile shares this part of its side with its neighbour.
AUTO_WHOLE_PIXELS = 2048 * 1024  # Up to here "auto" parses in one pass, which knows the whole picture.
MIN_TILE = 64
GRANULARITY = 32  # Tiles start on multiples of this (and of the backbone's strides), where coarse cells start.
MAX_LABEL_ROWS_BYTES = 2**26


def tile_side_for(size: tuple[int, int], tile: TileSide) -> int | None:
    """The side of the tiles, or None where "auto" would rather parse in one pass."""
    if tile == "auto":
        return None if size[0] * size[1] <= AUTO_WHOLE_PIXELS else AUTO_TILE
    if isinstance(tile, bool) or not isinstance(tile, int) or tile < MIN_TILE:
        raise BadInput(f"tile must be auto or at least {MIN_TILE} pixels, but got {tile!r}; e.g. {AUTO_TILE}.")
    return tile


@torch.inference_mode()
def label_bands(
    parser: "SceneParser",
    bands: ImageBands,
    size: tuple[int, int],
    *,
    tile: int,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    with_confidence: bool = False,
    things: ThingsOfTiles | None = None,
) -> Iterator[LabelBand]:
    """The whole label map from top to bottom. `size` is the working size that tiles are cut from. `things` takes in a
    plain pass of every tile."""
    with answering(parser):
        blended = _BlendedBands(parser, bands, size, tile=tile, scales=scales, flip=flip, things=things)
        for top, stop, window_Khw, first_coarse in blended:
            row_bytes = bands.size[1] * 4
            step = max(1, MAX_LABEL_ROWS_BYTES // row_bytes)
            for start in range(top, stop, step):
                window = RowWindow(start, min(start + step, stop), first_coarse, blended.num_cells[0])
                are_logits = not blended.are_probabilities
                if with_confidence:
                    labels = labels_of_scores(
                        window_Khw,
                        bands.size,
                        with_confidence=True,
                        are_logits=are_logits,
                        temperature=parser.temperature,
                        window=window,
                    )
                    yield LabelBand(start, *labels)
                else:
                    yield LabelBand(start, labels_of_scores(window_Khw, bands.size, window=window))


def tiled_labels(
    parser: "SceneParser",
    image_HWC: np.ndarray,
    size: tuple[int, int],
    *,
    tile: int,
    scales: Sequence[float],
    flip: bool,
    with_confidence: bool,
) -> ImageLabels:
    """All bands of a picture that is in memory, put together, with confidence if it is wanted; and its things, if the
    parser tells them apart."""
    things = ThingsOfTiles(parser, size) if tells_things_apart(parser) else None
    label_HW = np.empty(image_HWC.shape[:2], dtype=np.int32)
    confidence_HW = np.empty(image_HWC.shape[:2], dtype=np.float16) if with_confidence else None
    for band in label_bands(
        parser,
        ArrayBands(image_HWC),
        size,
        tile=tile,
        scales=scales,
        flip=flip,
        with_confidence=with_confidence,
        things=things,
    ):
        rows = slice(band.top, band.top + len(band.label_HW))
        label_HW[rows] = band.label_HW
        if confidence_HW is not None and band.confidence_HW is not None:
            confidence_HW[rows] = band.confidence_HW
    return ImageLabels(label_HW, confidence_HW, None if things is None else things.joined(label_HW))


class _BlendedBands:
    """Iterates over (top, stop, scores, first coarse row): output rows whose blended scores are final."""

    def __init__(
        self,
        parser: "SceneParser",
        bands: ImageBands,
        size: tuple[int, int],
        *,
        tile: int,
        scales: Sequence[float],
        flip: bool,
        things: ThingsOfTiles | None,
    ) -> None:
        self.parser, self.bands, self.size = parser, bands, size
        self.scales, self.flip, self.things = scales, flip, things
        layout = layout_or_none(parser.backbone)
        step = lcm(GRANULARITY, parser.size_multiple, *(layout.strides if layout is not None else ()))
        self.tile = max(2 * step, tile // step * step)
        self.overlap = min(self.tile // 2 // step, max(1, self.tile // AUTO_OVERLAP // step)) * step
        self.step = step
        self.cell = 0
        self.num_cells = (0, 0)
        self.are_probabilities = False

    def __iter__(self) -> Iterator[tuple[int, int, Tensor, int]]:
        corner = (min(self.tile, self.size[0]), min(self.tile, self.size[1]))
        first_image = self._rows(0, corner[0])
        first_scores = self._scores(first_image[:, : corner[1]], top=0, left=0)
        if corner == self.size:  # One tile holds everything.
            self.num_cells = (first_scores.shape[1], first_scores.shape[2])
            yield 0, self.bands.size[0], first_scores, 0
            return
        self.cell = _cell_of(first_scores, corner, step=self.step)
        self.num_cells = (-(-self.size[0] // self.cell), -(-self.size[1] // self.cell))
        rows, columns = (
            tiles_along(length, tile=self.tile, overlap=self.overlap, cell=self.cell) for length in self.size
        )
        num_out = self.bands.size[0]
        pending_Khw, first_pending, next_row = first_scores.new_zeros(first_scores.shape[0], 0, self.num_cells[1]), 0, 0
        for number, row in enumerate(rows):
            image_HWC = first_image if number == 0 else self._rows(row.start, row.stop)
            missing = row.cells.stop - first_pending - pending_Khw.shape[1]
            pending_Khw = F.pad(pending_Khw, (0, 0, 0, missing))
            for column in columns:
                if number == 0 and column.start == 0:
                    scores_Khw = first_scores
                else:
                    columns_HWC = image_HWC[:, column.start : column.stop]
                    scores_Khw = self._scores(columns_HWC, top=row.start, left=column.start)
                top = row.first_cell - first_pending
                pending_Khw[:, top:, column.cells] += self._weighted(scores_Khw, row, column)
            final_cells = rows[number + 1].first_cell if number + 1 < len(rows) else self.num_cells[0]
            stop, first_needed = rows_from(self.num_cells[0], num_out, final_cells)
            if stop > next_row:
                yield next_row, stop, pending_Khw, first_pending
            pending_Khw = pending_Khw[:, first_needed - first_pending :].clone()
            first_pending, next_row = first_needed, stop

    def _weighted(self, scores_Khw: Tensor, row: AxisTile, column: AxisTile) -> Tensor:
        shape = (len(row.weight_c), len(column.weight_c))
        if tuple(scores_Khw.shape[1:]) != shape:  # A parser whose grid does not start where the tile does.
            scores_Khw = F.interpolate(scores_Khw[None], size=shape, mode="bilinear", align_corners=False)[0]
        return scores_Khw * torch.from_numpy(row.weight_c)[:, None] * torch.from_numpy(column.weight_c)

    def _rows(self, start: int, stop: int) -> np.ndarray:
        return resized_rows(self.bands, self.size, start, stop)

    def _scores(self, image_HWC: np.ndarray, *, top: int, left: int) -> Tensor:
        size = (image_HWC.shape[0], image_HWC.shape[1])
        answers = None
        if self.things is not None:
            answers = self.parser(prepared_image(self.parser, image_HWC, size))
            self.things.add(answers, top=top, left=left, size=size)
        if answers is not None and tuple(self.scales) == (1.0,) and not self.flip:
            found = scores_of(answers)  # The pass that told things apart says the classes, too.
        else:
            found = image_scores(self.parser, image_HWC, size, self.scales, self.flip)
        self.are_probabilities = found.are_probabilities
        return found.scores_Khw.cpu()


def _cell_of(scores_Khw: Tensor, size: tuple[int, int], *, step: int) -> int:
    """The side of a coarse cell in pixels: the largest divisor of the tiles' step that loses nothing.

    Along an axis that is no multiple of the cell the quotient is too small, so the larger one is nearer to the truth.
    """
    exact = max(size[0] / scores_Khw.shape[1], size[1] / scores_Khw.shape[2])
    return max(divisor for divisor in range(1, step + 1) if step % divisor == 0 and divisor <= max(exact, 1))
