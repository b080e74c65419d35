"""MergingHistory: from the segments of one picture to its things and stuff, one merge after another.

"Contextual image parsing via panoptic segment sorting" (PSS), sections 3.2 and 3.4: things merge pair by pair, the
nearest first; in the last step all segments of a class of stuff become one, whatever their directions.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mereo.assembly.segment_merging import Merge
from mereo.assembly.smooth_labels import neighbour_shares
from mereo.shapes import require_point


@dataclass(frozen=True)
class Joining:
    """A merge as one segment sees it: which step it was (from 1), the segments of its own group and of the other one
    before it, each with the segment that stands for the group first, and the cosine of their prototypes."""

    step: int
    own: tuple[int, ...]
    other: tuple[int, ...]
    cosine: float


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class MergingHistory:
    """`segment_hw` is the segment of each cell; of every segment the sum of its embeddings, its likeliest class with
    its probability, and its group in the answer; of every group its class and its instance (0: none).

    Step 0 is the over-segmentation, one step follows for each of `merges`, and the last one gives the answer. `refused`
    is the nearest pair left when merging stopped at `threshold`. With seeds (`is_seed_S`) there is no threshold.
    """

    segment_hw: np.ndarray
    embedding_sum_SD: np.ndarray
    class_S: np.ndarray
    probability_S: np.ndarray
    group_S: np.ndarray
    class_G: np.ndarray
    instance_G: np.ndarray
    merges: tuple[Merge, ...]
    refused: Merge | None
    threshold: float
    is_thing_S: np.ndarray
    is_seed_S: np.ndarray | None = None

    @property
    def num_segments(self) -> int:
        return len(self.class_S)

    @property
    def num_steps(self) -> int:
        """The last step's number."""
        return len(self.merges) + 1

    @cached_property
    def area_S(self) -> np.ndarray:
        """In cells."""
        return np.bincount(self.segment_hw.ravel(), minlength=self.num_segments)

    @cached_property
    def concentration_S(self) -> np.ndarray:
        """How much the embeddings of a segment agree, from 0 to 1."""
        length_S = np.linalg.norm(self.embedding_sum_SD, axis=1)
        return np.minimum(length_S / np.maximum(self.area_S, 1), 1.0)

    def roots_after(self, step: int) -> np.ndarray:
        """S: the segment that stands for each segment's group, itself where it is alone."""
        if step >= self.num_steps:
            _, first_G = np.unique(self.group_S, return_index=True)
            roots_S: np.ndarray = first_G[self.group_S]
            return roots_S
        root_S = np.arange(self.num_segments)
        for merge in self.merges[:step]:
            root_S[root_S == merge.gone] = merge.kept
        return root_S

    def count_after(self, step: int) -> int:
        """How many groups there are."""
        return len(self.class_G) if step >= self.num_steps else self.num_segments - step

    def prototypes_after(self, step: int) -> np.ndarray:
        """S D: the prototype of each segment's group: the direction of the sum of the sums of its segments."""
        root_S = self.roots_after(step)
        sum_SD = np.zeros_like(self.embedding_sum_SD)
        np.add.at(sum_SD, root_S, self.embedding_sum_SD)
        length_S1 = np.linalg.norm(sum_SD, axis=1, keepdims=True)
        prototype_SD: np.ndarray = (sum_SD / np.maximum(length_S1, 1e-12))[root_S]
        return prototype_SD

    def joinings(self, segment: int) -> tuple[Joining, ...]:
        """The merges by which the segment's group grew, in their order."""
        members: dict[int, tuple[int, ...]] = {one: (one,) for one in range(self.num_segments)}
        found = []
        for step, merge in enumerate(self.merges, start=1):
            kept, gone = members[merge.kept], members.pop(merge.gone)
            if segment in kept:
                found.append(Joining(step, kept, gone, merge.cosine))
            elif segment in gone:
                found.append(Joining(step, gone, kept, merge.cosine))
            members[merge.kept] = kept + gone
        return tuple(found)

    def members_of(self, group: int) -> tuple[int, ...]:
        """The segments of a group of the answer."""
        return tuple(np.flatnonzero(self.group_S == group).tolist())

    def segment_at(self, x: int, y: int, size: tuple[int, int]) -> int:
        """The segment at this pixel of the photograph of `size` (height, width): of the group that the answer has
        there, the segment with the largest share of the pixel."""
        require_point(x, y, size)
        row_H, column_W = np.array([y]), np.array([x])
        group_4HW, of_group_4HW = neighbour_shares(self.group_S[self.segment_hw], size, row_H, column_W)
        group = group_4HW[of_group_4HW.argmax(), 0, 0]
        segment_4HW, share_4HW = neighbour_shares(self.segment_hw, size, row_H, column_W)
        share_4 = np.where(self.group_S[segment_4HW] == group, share_4HW, -1.0)[:, 0, 0]
        return int(segment_4HW[share_4.argmax(), 0, 0])
