"""The words of a table, Markdown that nobody's names can break, and the section between two markers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.evaluation.evaluated_run import EvaluatedRun, RunRecord
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.number_text import duration_text
from mereo.evaluation.results_table import results_tables
from mereo.evaluation.results_text import ABOUT_TOKENS, line_cells, markdown, run_text, write_section
from mereo.evaluation.token_measures import TokenMeasures
from mereo.metrics.confusion import region_counts


def made_run(row, confusion_KK, **changes):
    confusion_KK = np.array(confusion_KK)
    record = {
        "name": row, "row": row, "protocol": "small", "seed": 0, "steps": 552, "wall_seconds": 331.0,
        "machine": "2 cores", "commit": "0123456789abcdef", "command": "mereo train a.yaml", "parameters": 1_234_567,
    }  # fmt: skip
    evaluation = {
        "class_names": ("sky", "road", "cat"),
        "image_names": ("one", "two"),
        "confusion_KK": 2 * confusion_KK,
        "boundary_K3": region_counts(confusion_KK),
        "per_image_NK3": np.stack([region_counts(confusion_KK)] * 2).astype(np.int32),
        "seconds": 1.0,
    }
    for key, value in changes.items():
        (record if key in record else evaluation)[key] = value
    return EvaluatedRun(Path(row), RunRecord(**record), Evaluation(**evaluation))


GOOD, BAD = [[30, 0, 0], [0, 60, 10], [0, 0, 0]], [[20, 10, 0], [30, 40, 0], [0, 0, 0]]


def test_tokens_have_a_table_of_their_own():
    tokens = TokenMeasures(num_tokens=128, num_images=2, class_semantics=0.25, class_diversity=0.4)
    runs = [
        replace(made_run("with", GOOD), tokens=tokens),
        replace(made_run("with", GOOD, seed=1), tokens=tokens.model_copy(update={"class_semantics": 0.35})),
        made_run("without", BAD),
    ]
    lines = markdown(results_tables(runs)).splitlines()
    place = lines.index(ABOUT_TOKENS)
    assert lines[place + 2 : place + 5] == [
        "| row | tokens | S_C | D_C | S_I | D_I |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| with | 128 | 0.300 (0.250, 0.350) | 0.400 (0.400, 0.400) | n/a | n/a |",
    ]
    assert lines[place + 5] == ""
    assert ABOUT_TOKENS not in markdown(results_tables([made_run("without", BAD)]))


def test_markdown_of_a_small_table():
    runs = [made_run("bad", BAD), made_run("good", GOOD), made_run("good", BAD, seed=1)]
    text = markdown(results_tables(runs, baseline="bad"))
    lines = text.splitlines()
    assert lines[0].startswith("Protocol **small**, 2 images")
    assert "| row | seeds | mIoU | pixel accuracy | boundary IoU | wall time | difference in mIoU [95 %] |" in lines
    # IoU of `bad`: sky 20/60, road 40/80; `good`, seed 0: sky 1, road 60/70, cat (predicted, never true) 0.
    assert "| bad | 0 | 41.67 | 60.00 | 41.67 | 5 min 31 s | baseline |" in lines
    good = "| good | 0, 1 | 51.79 (61.90, 41.67) | 75.00 (90.00, 60.00) | 51.79 (61.90, 41.67) | 5 min 31 s | "
    assert f"{good}+20.24 [+20.24, +20.24] measurable gain (seed 0) |" in lines
    assert "| class | share | bad | good |" in lines
    by_class = [line for line in lines if line.startswith(("| road", "| sky", "| cat"))]
    assert by_class == [
        "| road | 70.00 | 50.00 | 67.86 |",
        "| sky | 30.00 | 33.33 | 66.67 |",
        "| cat | 0.00 | n/a | 0.00 |",
    ]
    facts = "- bad (seed 0, 552 steps, 1.23 M parameters, 5 min 31 s)"
    assert f"{facts}: `mereo train a.yaml` on 2 cores, commit `0123456789ab`" in lines


def test_rows_beside_their_hosts_have_a_table_of_their_own():
    runs = [made_run("host", BAD), made_run("module", GOOD)]
    text = markdown(results_tables(runs, against=[("module", "host")]))
    assert "| row | beside | difference in mIoU [95 %] |\n| --- | ---: | ---: |\n| module | host | +20.24 [" in text
    assert "beside" not in markdown(results_tables(runs))


def test_without_baseline_there_is_no_column():
    (table,) = results_tables([made_run("bad", BAD)])
    assert len(line_cells(table, table.lines[0])) == 6
    assert "difference" not in markdown([table]).lower()


def test_how_a_run_was_evaluated_and_what_is_unknown():
    text = run_text(made_run("a", BAD, scales=(0.75, 1.0), flip=True, commit=None, parameters=None))
    facts = "a (seed 0, 552 steps, 5 min 31 s, evaluated at scales 0.75, 1 with flip)"
    assert text == f"{facts}: `mereo train a.yaml` on 2 cores, no commit"


def test_names_cannot_break_the_table():
    run = made_run("a|b\n<!-- end -->", BAD, command="echo `date` --> x\ny", class_names=("s|y", "road", "cat"))
    text = markdown(results_tables([run]))
    assert "| a\\|b \\<!-- end --\\> | 0 |" in text
    assert "| s\\|y |" in text
    assert "<!-- end -->" not in text
    assert "`` echo `date` -- > x y ``" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (7190, "2 h 0 min"),
    ],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_a_section_is_made_then_replaced_and_the_rest_stays(tmp_path):
    path = tmp_path / "docs" / "results.md"
    write_section(path, "first", "old")
    assert path.read_text() == "# Results\n\n## first\n\n<!-- table: first -->\n\nold\n\n<!-- end -->\n"
    write_section(path, "second", "two")
    path.write_text(path.read_text().replace("# Results\n", "# Results\n\nWritten by hand, with \\1 and é.\n", 1))
    write_section(path, "first", r"new \1")
    assert path.read_text() == (
        "# Results\n\nWritten by hand, with \\1 and é.\n\n"
        "## first\n\n<!-- table: first -->\n\nnew \\1\n\n<!-- end -->\n\n"
        "## second\n\n<!-- table: second -->\n\ntwo\n\n<!-- end -->\n"
    )


def test_line_ends_of_the_file_are_kept(tmp_path):
    path = tmp_path / "results.md"
    path.write_bytes(b"# Mine\r\n\r\n<!-- table: a -->\r\nold\r\n<!-- end -->\r\nafter\r\n")
    write_section(path, "a", "new\nlines")
    assert path.read_bytes() == b"# Mine\r\n\r\n<!-- table: a -->\r\n\r\nnew\r\nlines\r\n\r\n<!-- end -->\r\nafter\r\n"


def test_an_empty_file_gets_the_section(tmp_path):
    path = tmp_path / "results.md"
    path.write_text("")
    write_section(path, "a", "x")
    assert path.read_text().startswith("## a\n")


@pytest.mark.parametrize(
    "text",
    [
        "<!-- table: a -->\nno end",
        "<!-- table: a -->\n<!-- table: b -->\n<!-- end -->",
        "<!-- table: a -->\n<!-- end -->\n<!-- table: a -->\n<!-- end -->",
    ],
)
def test_refuses_broken_markers_and_leaves_the_file(tmp_path, text):
    path = tmp_path / "results.md"
    path.write_text(text)
    with pytest.raises(BadInput, match="section 'a' must stand once between '<!-- table: a -->' and '<!-- end -->'"):
        write_section(path, "a", "x")
    assert path.read_text() == text


def test_refuses_odd_section_names_and_files(tmp_path):
    with pytest.raises(BadInput, match="a section's name must be letters, digits .* but got 'a --> b'"):
        write_section(tmp_path / "x.md", "a --> b", "x")
    (tmp_path / "x.md").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="x.md must be a readable UTF-8 text, but got: "):
        write_section(tmp_path / "x.md", "a", "x")
