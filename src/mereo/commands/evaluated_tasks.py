"""What `mereo evaluate` and `mereo train` say of the tasks of a perceptual parser."""

from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    from mereo.evaluation.perceptual_measures import PerceptualMeasures


def print_tasks(measures: "PerceptualMeasures", console: Any) -> None:
    """The classes of each task but objects, which have a table of their own; then one line a task."""
    from rich.table import Table

    from mereo.evaluation.number_text import percent_text
    from mereo.evaluation.perceptual_measures import PixelTask
    from mereo.evaluation.perceptual_text import TASK_HEADER, task_name, task_rows

    for name, task in measures.tasks.items():
        if name == "objects":
            continue
        title, value = task_name(name, measures.derived), "IoU" if isinstance(task, PixelTask) else "top-1"
        table = Table(title, "share", value, box=None, pad_edge=False)
        for class_name, share, of_class in task.rows():
            table.add_row(printable(class_name), percent_text(share), percent_text(of_class))
        console.print(table)
        console.print()
    table = Table(*TASK_HEADER, box=None, pad_edge=False)
    for row in task_rows(measures):
        table.add_row(*row)
    console.print(table)
    console.print()
