"""What every level of a pyramid says of one photograph, also where another level speaks."""

from dataclasses import dataclass

import numpy as np

from mereo.regions.nearest_places import at_size, nearest_places
from mereo.shapes import require_point


@dataclass(frozen=True)
class LevelCell:
    """One cell and what it says. `cell_size` is in pixels that the backbone saw, the box in those of the photograph.

    `unity` is None on the finest level, which needs none.
    """

    cell_size: int
    box_xyxy: tuple[float, float, float, float]
    class_index: int
    probability: float
    unity: float | None
    speaks: bool
    is_done: bool

    @property
    def state(self) -> str:
        return "speaks" if self.speaks else "done by coarser" if self.is_done else "left to finer"


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class LevelAnswers:
    """One entry a level, coarsest first, each on the level's own grid (h w); `unity_per_level` lacks the finest.

    `probability_per_level` is that of the class; `speaks_per_level` is true where this level's class is the answer,
    `is_done_per_level` where a coarser level answers; what is neither is left to finer levels. `level_hw` says which
    level speaks, on the finest grid.
    """

    class_per_level: tuple[np.ndarray, ...]
    probability_per_level: tuple[np.ndarray, ...]
    unity_per_level: tuple[np.ndarray, ...]
    speaks_per_level: tuple[np.ndarray, ...]
    is_done_per_level: tuple[np.ndarray, ...]
    level_hw: np.ndarray
    cell_sizes: tuple[int, ...]
    threshold: float

    @property
    def num_levels(self) -> int:
        return len(self.class_per_level)

    @property
    def speaking_cells(self) -> tuple[int, ...]:
        """How many cells of each level have the say."""
        return tuple(int(speaks_hw.sum()) for speaks_hw in self.speaks_per_level)

    def classes_on(self, size: tuple[int, int]) -> np.ndarray:
        """L H W: each level's class on pixels of a picture of this size, each pixel from the cell that it lies in."""
        return np.stack([at_size(class_hw, size) for class_hw in self.class_per_level])

    def cells_at(self, x: int, y: int, size: tuple[int, int]) -> tuple["LevelCell", ...]:
        """The cell of each level that holds pixel x, y of a picture of this size (height, width)."""
        height, width = size
        require_point(x, y, (height, width))
        found = []
        for level, class_hw in enumerate(self.class_per_level):
            rows, columns = class_hw.shape
            place = int(nearest_places(rows, height)[y]), int(nearest_places(columns, width)[x])
            (row, column), is_finest = place, level == self.num_levels - 1
            left, top = column * width / columns, row * height / rows
            found.append(
                LevelCell(
                    cell_size=self.cell_sizes[level],
                    box_xyxy=(left, top, left + width / columns, top + height / rows),
                    class_index=int(class_hw[place]),
                    probability=float(self.probability_per_level[level][place]),
                    unity=None if is_finest else float(self.unity_per_level[level][place]),
                    speaks=bool(self.speaks_per_level[level][place]),
                    is_done=bool(self.is_done_per_level[level][place]),
                )
            )
        return tuple(found)
