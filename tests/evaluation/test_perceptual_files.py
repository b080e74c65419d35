"""perceptual.json and the words of it: what is written is read, no number can be changed by hand, tables of rows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_level_files import changed
from test_results_table import made_run

from mereo.errors import BadInput
from mereo.evaluation.perceptual_files import (
    PERCEPTUAL_FILE,
    read_perceptual_measures,
    write_perceptual_measures,
)
from mereo.evaluation.perceptual_measures import ImageTask, PerceptualMeasures, PixelTask
from mereo.evaluation.perceptual_text import TASK_HEADER, task_rows, tasks_cells, tasks_header_cells
from mereo.evaluation.results_table import results_tables
from mereo.evaluation.results_text import ABOUT_TOKENS, detail_tables, markdown


def perceptual_measures(right: int = 3) -> PerceptualMeasures:
    return PerceptualMeasures(
        num_images=9,
        objects=PixelTask(("sky", "road"), 7, np.array([[right, 4, 4], [0, 0, 0]])),
        materials=PixelTask(("glass",), 2, np.array([[2, 4, 2]])),
        scenes=ImageTask(("street", "room"), np.array([[3, right], [1, 0]])),
        derived=("materials",),
    )


def test_written_and_read(tmp_path: Path) -> None:
    assert read_perceptual_measures(tmp_path) is None
    measures = perceptual_measures()
    path = write_perceptual_measures(measures, tmp_path)
    found = read_perceptual_measures(tmp_path)
    assert found is not None and found.summary() == measures.summary() and found.derived == ("materials",)
    assert found.num_images == 9 and found.parts is None and found.textures is None
    np.testing.assert_array_equal(found.objects.counts_K3, measures.objects.counts_K3)
    assert found.summary()["objects"] == {"mean_iou": 0.6, "pixel_accuracy": 0.75}
    assert found.summary()["scenes"] == {"accuracy": 0.75, "balanced_accuracy": 0.5, "majority_accuracy": 0.75}
    assert len(path.read_text().splitlines()) == 9


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "measures.objects.mean_iou",
            0.99,
            "measures must follow from the counts, but got others in .*perceptual.json",
        ),
        ("measures.scenes.accuracy", None, "measures must follow from the counts"),
        ("measures.parts", {}, "measures must follow from the counts"),
        ("objects.counts.0", [4, 4, 4], "measures must follow from the counts"),
        ("objects.counts", [[1, 2, 3]], "counts of objects must be those of 2 classes in 7 images, but got others"),
        ("scenes.num_images", 5, "counts of scenes must be those of 2 classes in 5 images, but got others in"),
        ("scenes.counts.0", [1, 2, 3], "perceptual.json must be valid, but got: scenes.counts"),
        ("format", 2, "perceptual.json must be valid, but got: format"),
    ],
)
def test_refuses_what_was_changed(tmp_path: Path, path: str, value: Any, message: str) -> None:
    file = write_perceptual_measures(perceptual_measures(), tmp_path)
    content = json.loads(file.read_text(encoding="utf-8"))
    changed(content, path, value)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        read_perceptual_measures(tmp_path)


def test_refuses_what_is_no_json(tmp_path: Path) -> None:
    (tmp_path / PERCEPTUAL_FILE).write_text("[")
    with pytest.raises(BadInput, match="perceptual.json must be readable JSON, but got: .*; evaluate again"):
        read_perceptual_measures(tmp_path)


def test_one_row_a_task() -> None:
    rows = task_rows(perceptual_measures())
    assert [dict(zip(TASK_HEADER, row)) for row in rows] == [
        dict(zip(TASK_HEADER, ["objects", "7", "2", "60.00", "75.00", "", "", ""])),
        dict(zip(TASK_HEADER, ["materials (derived)", "2", "1", "50.00", "50.00", "", "", ""])),
        dict(zip(TASK_HEADER, ["scenes", "4", "2", "", "", "75.00", "50.00", "75.00"])),
    ]


def test_rows_of_a_results_table() -> None:
    by_row = [[perceptual_measures(3), perceptual_measures(1)], [replace(perceptual_measures(), scenes=None)]]
    header, rows = tasks_header_cells(by_row), tasks_cells(["upernet", "grouping"], by_row)
    assert header[:5] == [
        "row",
        "objects mIoU",
        "objects pixel accuracy",
        "materials (derived) mIoU",
        "materials (derived) pixel accuracy",
    ]
    assert header[5:] == ["scenes top-1", "scenes balanced", "scenes majority"]
    assert rows[0][:3] == ["upernet", "37.14 (60.00, 14.29)", "50.00 (75.00, 25.00)"]
    assert rows[1][5:] == ["n/a", "n/a", "n/a"]


def test_a_section_where_runs_have_tasks() -> None:
    runs = [
        replace(made_run("a", row="upernet"), perceptual=perceptual_measures()),
        made_run("b", row="fcn", quality=0.6),
    ]
    (table,) = results_tables(runs)
    ((title, header, rows),) = detail_tables(table)
    assert title.startswith("Tasks, percent") and len(rows) == 1 and len(header) == len(rows[0])
    assert "| upernet | 60.00 | 75.00 |" in markdown([table]) and ABOUT_TOKENS not in markdown([table])
