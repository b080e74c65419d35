"""Words and cells for the tasks of perceptual parsers: of one evaluation, and of the rows of a results table."""

from collections.abc import Sequence

from mereo.evaluation.number_text import mean_and_seeds, percent_text
from mereo.evaluation.perceptual_measures import PerceptualMeasures, PixelTask

ABOUT_TASKS = (
    "Tasks, percent: mIoU and pixel accuracy of objects, parts (within their objects, with the rest of each object) "
    "and materials; of scenes and textures top-1 accuracy, of scenes also the mean over classes (balanced) and what "
    "the most frequent answer alone would reach (majority)."
)
TASK_HEADER = ["task", "images", "classes", "mIoU", "pixel accuracy", "top-1", "balanced", "majority"]
COLUMNS = (
    ("objects mIoU", "objects", "mean_iou"),
    ("objects pixel accuracy", "objects", "pixel_accuracy"),
    ("parts mIoU", "parts", "mean_iou"),
    ("parts pixel accuracy", "parts", "pixel_accuracy"),
    ("materials mIoU", "materials", "mean_iou"),
    ("materials pixel accuracy", "materials", "pixel_accuracy"),
    ("scenes top-1", "scenes", "accuracy"),
    ("scenes balanced", "scenes", "balanced_accuracy"),
    ("scenes majority", "scenes", "majority_accuracy"),
    ("textures top-1", "textures", "accuracy"),
)


def task_name(task: str, derived: Sequence[str]) -> str:
    """
    >>> task_name("materials", ("materials",)), task_name("parts", ("materials",))
    ('materials (derived)', 'parts')
    """
    return f"{task} (derived)" if task in derived else task


def task_rows(measures: PerceptualMeasures) -> list[list[str]]:
    """One row a task that was measured; cells are empty where a measure is not of that kind of task."""
    rows = []
    for name, task in measures.tasks.items():
        values = [percent_text(value) for value in task.measures.values()]
        told = [*values, "", "", ""] if isinstance(task, PixelTask) else ["", "", *values]
        rows.append([task_name(name, measures.derived), str(task.num_images), str(len(task.class_names)), *told])
    return rows


def tasks_header_cells(by_row: Sequence[Sequence[PerceptualMeasures]]) -> list[str]:
    derived = sorted({task for of_row in by_row for one in of_row for task in one.derived})
    columns = _columns_of(by_row)
    return ["row", *(title.replace(task, task_name(task, derived)) for title, task, _ in columns)]


def tasks_cells(names: Sequence[str], by_row: Sequence[Sequence[PerceptualMeasures]]) -> list[list[str]]:
    """One row a line of a results table, the mean of its seeds; columns that no run has are left out."""
    columns = _columns_of(by_row)
    return [
        [name, *(mean_and_seeds([one.value_of(task, measure) for one in of_row]) for _, task, measure in columns)]
        for name, of_row in zip(names, by_row)
    ]


def _columns_of(by_row: Sequence[Sequence[PerceptualMeasures]]) -> list[tuple[str, str, str]]:
    measured = {task for of_row in by_row for one in of_row for task in one.tasks}
    return [column for column in COLUMNS if column[1] in measured]
