"""Panoptic quality and context error in a results table: a line for rows that have either."""

from dataclasses import replace

from test_context_measures import made_measures
from test_panoptic_quality_file import made_quality
from test_results_text import BAD, GOOD, made_run

from mereo.evaluation.panoptic_text import ABOUT_PANOPTIC
from mereo.evaluation.results_table import results_tables
from mereo.evaluation.results_text import markdown


def test_rows_with_either_have_a_line() -> None:
    runs = [
        replace(made_run("sorting", GOOD), panoptic=made_quality(), context=made_measures(instances="components")),
        replace(made_run("sorting", GOOD, seed=1), panoptic=made_quality()),
        replace(made_run("classes alone", BAD), context=made_measures()),
        made_run("without", BAD),
    ]
    lines = markdown(results_tables(runs)).splitlines()
    place = lines.index(ABOUT_PANOPTIC)
    # PQ: sky 2.4 / 4 = .6, car .75 / 2 = .375; SQ .8 and .75; RQ .75 and .5.
    assert lines[place + 2 : place + 7] == [
        "| row | true things | PQ | SQ | RQ | PQ things | PQ stuff | context error |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| sorting | components | 48.75 (48.75, 48.75) | 77.50 (77.50, 77.50) | 62.50 (62.50, 62.50) "
        "| 37.50 (37.50, 37.50) | 60.00 (60.00, 60.00) | 1.000 (1.000, n/a) |",
        "| classes alone | labelled | n/a | n/a | n/a | n/a | n/a | 1.000 |",
        "",
    ]


def test_without_either_there_is_no_table() -> None:
    assert ABOUT_PANOPTIC not in markdown(results_tables([made_run("without", BAD)]))
