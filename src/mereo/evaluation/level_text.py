"""Words and cells for measures by level: near borders, by assigned and answering level, shares."""

from collections.abc import Sequence

from mereo.evaluation.level_measures import LevelMeasures, plain
from mereo.evaluation.number_text import mean_and_seeds, mean_of, percent_text
from mereo.evaluation.results_table import ResultsLine, ResultsTable, with_same_seeds
from mereo.metrics.boundary_band import BAND_PIXELS
from mereo.metrics.confusion import mean_over_classes

ABOUT_BORDERS = (
    f"Near borders, percent: mIoU of the pixels within {BAND_PIXELS} px of a border between true labels, beside that "
    "of all. Of pyramids, coarsest cells first: mIoU of each level alone; pixels that each answers; how many cells "
    "speak for an image, and their share of the finest grid's."
)
ABOUT_LEVELS = (
    "Levels of a pyramid by the size of their cells, percent: mIoU of the pixels that were assigned to one level "
    "(column), answered by another (row)."
)


def border_header_cells(table: ResultsTable) -> list[str]:
    differences = ["difference near borders", "difference of all"] if _baseline_near_borders(table) else []
    pyramid = ["levels alone", "pixels by level", "cells an image", "of the finest"]
    return ["row", f"mIoU within {BAND_PIXELS} px", "mIoU", *differences, *pyramid]


def border_cells(table: ResultsTable) -> list[list[str]]:
    """One row a line that was measured near borders."""
    baseline = _baseline_near_borders(table)
    rows = []
    for line in table.lines_with_levels:
        near = [one.band_mean_iou for one in line.level_measures]
        everywhere = [one.mean_iou for one in line.level_measures]
        differences = []
        if baseline is not None:
            ours, theirs = (one.level_measures for one in with_same_seeds(line, baseline))
            differences = [
                _difference([one.band_mean_iou for one in ours], [one.band_mean_iou for one in theirs]),
                _difference([one.mean_iou for one in ours], [one.mean_iou for one in theirs]),
            ]
        rows.append([line.row, mean_and_seeds(near), mean_and_seeds(everywhere), *differences, *_pyramid_cells(line)])
    return rows


def difference_near_borders(line: ResultsLine, host: ResultsLine) -> str:
    """Empty where not both were measured there."""
    near, of_host = ([one.band_mean_iou for one in a.level_measures] for a in with_same_seeds(line, host))
    return _difference(near, of_host) if near and of_host else ""


def _baseline_near_borders(table: ResultsTable) -> ResultsLine | None:
    return next((line for line in table.lines_with_levels if line.is_baseline), None)


def level_header_cells(table: ResultsTable) -> list[str]:
    return ["row", "answered by", *(f"{size} px" for size in _cell_sizes(table)), "all pixels"]


def level_cells(table: ResultsTable) -> list[list[str]]:
    """One row a level of each line with a pyramid: the mean of its seeds."""
    rows = []
    for line in table.lines_with_levels:
        matrix = mean_matrix(_with_pyramid(line))
        sizes = _pyramid_sizes(line)
        for answering, of_level in enumerate(matrix):
            by_size = dict(zip(sizes, of_level))
            told = [percent_text(by_size[size]) if size in by_size else "" for size in _cell_sizes(table)]
            rows.append([line.row, f"{sizes[answering]} px", *told, percent_text(of_level[-1])])
    return rows


def mean_matrix(measures: Sequence[LevelMeasures]) -> list[list[float | None]]:
    """Rows are answering levels, columns the levels that pixels are assigned to, and at last all pixels."""
    pyramids = [one.pyramid for one in measures if one.pyramid is not None]
    if not pyramids:
        return []
    matrices = [plain(one.mean_iou_LL.T) for one in pyramids]
    alone = [plain(mean_over_classes(one.level_iou_LK)) for one in pyramids]
    levels = range(len(pyramids[0].cell_sizes))
    return [
        [
            *(mean_of([matrix[row][column] for matrix in matrices]) for column in levels),
            mean_of([a[row] for a in alone]),
        ]
        for row in levels
    ]


def _pyramid_cells(line: ResultsLine) -> list[str]:
    measures = _with_pyramid(line)
    if not measures:
        return ["", "", "", ""]
    alone = [row[-1] for row in mean_matrix(measures)]
    by_seed = [one.pyramid.pixel_shares for one in measures if one.pyramid is not None]
    shares = [mean_of(of_level) for of_level in zip(*by_seed)]
    cells = mean_of([one.cells_per_image for one in measures])
    return [
        " / ".join(map(percent_text, alone)),
        " / ".join(map(percent_text, shares)),
        "n/a" if cells is None else f"{cells:.0f}",
        percent_text(mean_of([one.share_of_finest_cells for one in measures])),
    ]


def _with_pyramid(line: ResultsLine) -> list[LevelMeasures]:
    """Seeds of one row whose pyramids have the same cells."""
    sizes = _pyramid_sizes(line)
    return [one for one in line.level_measures if one.pyramid is not None and one.pyramid.cell_sizes == sizes]


def _pyramid_sizes(line: ResultsLine) -> tuple[int, ...]:
    return next((one.pyramid.cell_sizes for one in line.level_measures if one.pyramid is not None), ())


def _cell_sizes(table: ResultsTable) -> list[int]:
    return sorted({size for line in table.lines_with_levels for size in _pyramid_sizes(line)}, reverse=True)


def _difference(values: Sequence[float | None], baseline: Sequence[float | None]) -> str:
    ours, theirs = mean_of(values), mean_of(baseline)
    return "n/a" if ours is None or theirs is None else f"{100 * (ours - theirs):+.2f}"
