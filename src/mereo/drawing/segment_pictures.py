"""Sorted segments as pictures: embeddings as colours, the over-segmentation, the merging after some steps, the answer.

As figures 1 and 2 of "Contextual image parsing via panoptic segment sorting" (PSS).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from mereo.assembly.merging_history import MergingHistory
from mereo.assembly.parse import Parse
from mereo.assembly.smooth_labels import smooth_labels
from mereo.drawing.embedding_colours import EmbeddingColours, embedding_colours
from mereo.drawing.level_pictures import MARK, MARK_EDGE, shown_size
from mereo.drawing.overlay import draw_overlay, outline, tinted
from mereo.drawing.unsure_areas import hatch
from mereo.regions.nearest_places import at_size

SIDE, STEP_SIDE = 960, 640
CLASS_ALPHA, PROTOTYPE_ALPHA = 0.5, 0.72
# What does not take part in a merge of things: the photograph in pale grey.
PALE = 0.45


@dataclass(frozen=True, eq=False)
class SegmentPictures:
    """All pictures of one explanation; each has the photograph's shape and is made when it is asked for."""

    parse: Parse
    history: MergingHistory
    embedding_Dhw: np.ndarray

    @cached_property
    def size(self) -> tuple[int, int]:
        return shown_size(self.parse.size, SIDE)

    @cached_property
    def segment_HW(self) -> np.ndarray:
        """The segment of every pixel of the large pictures."""
        return smooth_labels(self.history.segment_hw, self.size)

    @cached_property
    def colours(self) -> EmbeddingColours:
        return embedding_colours(self.embedding_Dhw)

    @cached_property
    def photograph_HWC(self) -> np.ndarray:
        photograph = Image.fromarray(self.parse.image_HWC)
        return np.asarray(photograph.resize(self.size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)).copy()

    def embedding(self) -> np.ndarray:
        """The embedding of every pixel as a colour, and the borders of the segments that it leads to."""
        picture_HWC = self.colours.picture(self.embedding_Dhw, self.size)
        outline(picture_HWC, self.segment_HW)
        return picture_HWC

    def over_segmentation(self) -> np.ndarray:
        """Segments with their borders over the photograph, each in the colour of its likeliest class."""
        class_HW = self.history.class_S[self.segment_HW]
        picture_HWC = tinted(self.photograph_HWC, class_HW, self.parse.taxonomy.objects.colours_K3, alpha=CLASS_ALPHA)
        outline(picture_HWC, self.segment_HW)
        return picture_HWC

    def answer(self) -> np.ndarray:
        """The overlay of the parse, as everywhere else, with a line between two things of one class."""
        parse, size = self.parse, self.size
        instances_HW = None if parse.instances is None else at_size(parse.instances, size)
        semantic_HW = at_size(parse.semantic, size)
        return draw_overlay(Parse(self.photograph_HWC, semantic_HW, parse.taxonomy, instances=instances_HW))

    def shows_colour(self, step: int) -> np.ndarray:
        """S: whether a segment is coloured after this step: things, and in the answer all."""
        if step >= self.history.num_steps:
            return np.ones(self.history.num_segments, dtype=bool)
        return self.history.is_thing_S

    def step(self, step: int) -> np.ndarray:
        """After this step: each group of things in the colour of its prototype, and what just merged with a line around
        it, hatched where the group was that is gone."""
        history, size = self.history, shown_size(self.parse.size, STEP_SIDE)
        segment_HW = smooth_labels(history.segment_hw, size)
        root_S, is_shown_S = history.roots_after(step), self.shows_colour(step)
        grey_HW = np.asarray(Image.fromarray(self.photograph_HWC).convert("L").resize(size[::-1]))
        pale_HWC = np.repeat(np.rint(grey_HW * (1 - PALE) + 255 * PALE).astype(np.uint8)[..., None], 3, axis=2)
        colour_S3 = self.colours.of(history.prototypes_after(step))
        picture_HWC = tinted(np.repeat(grey_HW[..., None], 3, axis=2), segment_HW, colour_S3, alpha=PROTOTYPE_ALPHA)
        is_shown_HW = is_shown_S[segment_HW]
        picture_HWC = np.where(is_shown_HW[..., None], picture_HWC, pale_HWC)
        # Stuff is one area here: its borders would only distract from the things.
        outline(picture_HWC, np.where(is_shown_HW, root_S[segment_HW], -1))
        if 1 <= step < history.num_steps:
            self._mark_merge(picture_HWC, segment_HW, step)
        self._mark_seeds(picture_HWC)
        return picture_HWC

    def _mark_merge(self, picture_HWC: np.ndarray, segment_HW: np.ndarray, step: int) -> None:
        merge = self.history.merges[step - 1]
        before_S, after_S = self.history.roots_after(step - 1), self.history.roots_after(step)
        hatch(picture_HWC, (before_S == merge.gone)[segment_HW])
        ring(picture_HWC, (after_S == merge.kept)[segment_HW])

    def _mark_seeds(self, picture_HWC: np.ndarray) -> None:
        if self.history.is_seed_S is None:
            return
        picture = Image.fromarray(picture_HWC)
        pen, radius = ImageDraw.Draw(picture), max(picture.size) / 130
        across, down = (
            shown / cells for shown, cells in zip(picture.size, self.history.segment_hw.shape[::-1], strict=True)
        )
        for segment in np.flatnonzero(self.history.is_seed_S):
            x, y = segment_place(self.history.segment_hw, int(segment))
            x, y = x * across, y * down
            box = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(box, fill=MARK, outline=MARK_EDGE, width=max(1, round(radius / 3)))
        picture_HWC[:] = np.asarray(picture)


def chosen_steps(num_steps: int, count: int = 6) -> list[int]:
    """The over-segmentation, the answer, and some merges between them, evenly.

    >>> chosen_steps(41), chosen_steps(3), chosen_steps(1)
    ([0, 10, 20, 30, 40, 41], [0, 1, 2, 3], [0, 1])
    """
    merges = np.linspace(0, num_steps - 1, count - 1).round().astype(int).tolist()
    return sorted({*merges, num_steps})


def segment_place(segment_hw: np.ndarray, segment: int) -> tuple[float, float]:
    """x and y, in cells, of the middle of the segment's cell that is nearest to the mean of all its cells."""
    rows, columns = np.nonzero(segment_hw == segment)
    nearest = int(((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2).argmin())
    return float(columns[nearest]) + 0.5, float(rows[nearest]) + 0.5


def ring(picture_HWC: np.ndarray, mask_HW: np.ndarray) -> None:
    """Draw, in place, a dark line with a white one outside of it around the mask: seen on every colour."""
    thick = max(1, round(max(mask_HW.shape) / 320))
    inner_HW, outer_HW = grown(mask_HW, thick), grown(mask_HW, 2 * thick)
    picture_HWC[outer_HW & ~inner_HW] = MARK_EDGE
    picture_HWC[inner_HW & ~mask_HW] = MARK


def grown(mask_HW: np.ndarray, pixels: int) -> np.ndarray:
    """By so many pixels in all directions."""
    square_33 = np.ones((3, 3), dtype=bool)
    grown_HW: np.ndarray = ndimage.binary_dilation(mask_HW, square_33, iterations=pixels)
    return grown_HW
