"""Cells of the tables of levels: means of seeds, differences to the baseline, pyramids beside parsers without one."""

from dataclasses import replace

import numpy as np
import pytest
from test_level_files import made_measures
from test_results_text import BAD, GOOD, made_run

from mereo.evaluation.level_measures import LevelMeasures
from mereo.evaluation.level_text import ABOUT_BORDERS, ABOUT_LEVELS, level_cells, mean_matrix
from mereo.evaluation.results_table import results_tables
from mereo.evaluation.results_text import ABOUT_HOSTS, detail_tables, markdown

NAMES = ("sky", "road", "cat")


def flat(near: tuple[int, int], everywhere: tuple[int, int]) -> LevelMeasures:
    """One class: intersection and union."""
    counts = [np.array([[hit, union, hit], [0, 0, 0], [0, 0, 0]]) for hit, union in (everywhere, near)]
    return LevelMeasures(NAMES, 2, *counts)


def test_near_borders_beside_the_baseline() -> None:
    runs = [
        replace(made_run("A", BAD), levels=flat((1, 4), (2, 4))),
        replace(made_run("C", GOOD), levels=flat((2, 4), (3, 4))),
        replace(made_run("C", GOOD, seed=1), levels=flat((4, 4), (4, 4))),
        made_run("not measured", BAD),
    ]
    lines = markdown(results_tables(runs, baseline="A")).splitlines()
    place = lines.index(ABOUT_BORDERS)
    assert lines[place + 2].startswith(
        "| row | mIoU within 8 px | mIoU | difference near borders | difference of all |"
    )
    assert lines[place + 4 : place + 7] == [
        "| A | 25.00 | 50.00 | +0.00 | +0.00 |  |  |  |  |",
        "| C | 75.00 (50.00, 100.00) | 87.50 (75.00, 100.00) | +25.00 | +25.00 |  |  |  |  |",
        "",
    ]
    assert ABOUT_LEVELS not in lines
    plain = dict((title, header) for title, header, _ in detail_tables(results_tables(runs)[0]))
    assert "difference of all" not in plain[ABOUT_BORDERS]


def test_near_borders_beside_its_own_host_where_the_baseline_was_not_measured_there() -> None:
    runs = [
        made_run("FCN", BAD),
        replace(made_run("A", BAD), levels=flat((1, 4), (2, 4))),
        replace(made_run("C", GOOD), levels=flat((2, 4), (3, 4))),
    ]
    (table,) = results_tables(runs, baseline="FCN", against=[("C", "A"), ("A", "FCN")])
    titles = {title: (header, rows) for title, header, rows in detail_tables(table)}
    assert "difference near borders" not in titles[ABOUT_BORDERS][0]
    header, rows = titles[ABOUT_HOSTS]
    assert header[-1] == "within 8 px of borders" and [row[-1] for row in rows] == ["+25.00", ""]


def test_levels_of_pyramids_with_other_cells() -> None:
    first, second = made_measures(0), made_measures(1)
    assert first.pyramid is not None
    fine = replace(first, pyramid=replace(first.pyramid, cell_sizes=(8, 4)))
    runs = [
        replace(made_run("F", GOOD), levels=first),
        replace(made_run("F", GOOD, seed=1), levels=second),
        replace(made_run("fine", GOOD), levels=fine),
        replace(made_run("A", BAD), levels=made_measures(has_pyramid=False)),
    ]
    (table,) = results_tables(runs)
    titles = {title: (header, rows) for title, header, rows in detail_tables(table)}
    header, rows = titles[ABOUT_LEVELS]
    assert header == ["row", "answered by", "16 px", "8 px", "4 px", "all pixels"]
    assert [row[:2] for row in rows] == [["F", "16 px"], ["F", "8 px"], ["fine", "8 px"], ["fine", "4 px"]]
    assert rows[0][3:5] == ["n/a", ""] and rows[2][2] == "" and rows[2][4] == "n/a"
    values = [one.summary()["mean_iou_by_assigned_and_answering_level"][0][1] for one in (first, second)]
    assert rows[1][2] == f"{100 * np.mean(values):.2f}"
    border_rows = {row[0]: row[3:] for row in titles[ABOUT_BORDERS][1]}
    assert border_rows["F"][1:] == ["100.00 / 0.00", "5", "25.00"] and border_rows["A"] == [""] * 4
    assert level_cells(results_tables(runs[3:])[0]) == []


def test_rows_answer_and_columns_are_assigned() -> None:
    measures = made_measures(0)
    assert measures.pyramid is not None
    matrix = mean_matrix([measures])
    assert matrix[1][0] == pytest.approx(measures.pyramid.mean_iou_LL[0, 1]) and matrix[0][1] is None
    assert matrix[1][2] == measures.summary()["level_mean_iou"][1]
    assert mean_matrix([made_measures(has_pyramid=False)]) == []
