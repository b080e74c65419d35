"""Run folders -> lines of a table: pooling of seeds, differences, what may not be mixed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.evaluation.evaluated_run import EvaluatedRun, RunRecord, read_evaluated_run
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.results_table import results_tables
from mereo.evaluation.results_text import comparison_cells, line_cells
from mereo.metrics.confusion import region_counts
from mereo.metrics.paired_bootstrap import paired_bootstrap

NAMES = ("sky", "road", "pole")
NUM_IMAGES = 12


def made_run(name, *, row, seed=0, protocol="small", quality=0.7, class_names=NAMES, **changes):
    """A run whose parser finds about `quality` of each class; the truth is the same in all runs."""
    truth_NK = np.random.default_rng(99).integers(1, 400, (NUM_IMAGES, 3)) * np.array([2, 10, 1])
    generator = np.random.default_rng([seed, round(quality * 1000)])
    confusions_NKK = np.zeros((NUM_IMAGES, 3, 3), dtype=np.int64)
    for image in range(NUM_IMAGES):
        for k in range(3):
            hit = generator.binomial(truth_NK[image, k], quality)
            confusions_NKK[image, k, k] = hit
            confusions_NKK[image, k, (k + 1) % 3] = truth_NK[image, k] - hit
    per_image_NK3 = np.stack([region_counts(one) for one in confusions_NKK]).astype(np.int32)
    evaluation = Evaluation(
        class_names=class_names,
        image_names=tuple(f"image_{index}" for index in range(NUM_IMAGES)),
        confusion_KK=confusions_NKK.sum(axis=0),
        boundary_K3=per_image_NK3.sum(axis=0, dtype=np.int64) // 3,
        per_image_NK3=per_image_NK3,
        seconds=3.0,
    )
    record = RunRecord(
        name=name, row=row, protocol=protocol, seed=seed, steps=552, wall_seconds=300.0 + seed, machine="2 cores",
        commit="0123456789abcdef", command=f"mereo train {name}.yaml", parameters=2_345_678,
    )  # fmt: skip
    run = EvaluatedRun(name, record, evaluation)
    for field, value in changes.items():
        part = "record" if field in RunRecord.model_fields else "evaluation"
        old = getattr(run, part)
        run = replace(
            run, **{part: old.model_copy(update={field: value}) if part == "record" else replace(old, **{field: value})}
        )
    return run


def test_seeds_are_one_line_and_the_baseline_comes_first():
    runs = [
        made_run("b1", row="better", seed=1, quality=0.8),
        made_run("f0", row="fcn", seed=0),
        made_run("b0", row="better", seed=0, quality=0.8),
        made_run("f1", row="fcn", seed=1),
        made_run("s0", row="same", seed=7),
    ]
    (table,) = results_tables(runs, baseline="fcn")
    assert [(line.row, line.seeds) for line in table.lines] == [("fcn", (0, 1)), ("better", (0, 1)), ("same", (7,))]
    fcn, better, same = table.lines
    assert fcn.is_baseline and fcn.difference is None and table.has_baseline and table.num_images == NUM_IMAGES
    expected = paired_bootstrap(
        np.stack([runs[2].evaluation.per_image_NK3, runs[0].evaluation.per_image_NK3]),
        np.stack([runs[1].evaluation.per_image_NK3, runs[3].evaluation.per_image_NK3]),
    )
    assert better.difference.low == pytest.approx(expected.low) and better.difference.high == pytest.approx(
        expected.high
    )
    assert better.difference.difference == pytest.approx(
        np.mean(better.measure_of_seeds("mean_iou")) - np.mean(fcn.measure_of_seeds("mean_iou"))
    )
    assert (better.difference.verdict, same.difference.verdict) == ("measurable gain", "no measurable gain")
    assert better.wall_seconds == 300.5
    assert [name for _, name, _ in table.classes_by_frequency] == ["road", "sky", "pole"]
    assert better.class_iou(2) == pytest.approx(np.mean([runs[i].evaluation.per_class[2].iou for i in (0, 2)]))


def test_only_seeds_that_both_rows_have_are_compared():
    """A lucky seed of the host must not become a loss of the module."""
    lucky, usual = made_run("h1", row="host", seed=1, quality=0.9), made_run("h0", row="host", quality=0.7)
    module, other = made_run("m0", row="module", quality=0.8), made_run("o", row="other", seed=2, quality=0.8)
    (table,) = results_tables([usual, lucky, module, other], baseline="host", against=[("module", "host")])
    counts = [run.evaluation.per_image_NK3[None] for run in (module, usual, other)]
    assert table.lines[1].difference == table.comparisons[0].difference == paired_bootstrap(counts[0], counts[1])
    assert table.lines[1].difference.verdict == "measurable gain"
    both = np.concatenate([counts[1], lucky.evaluation.per_image_NK3[None]])
    assert table.lines[2].difference == paired_bootstrap(counts[2], both), "with none in common, whole rows"
    assert line_cells(table, table.lines[1])[-1].endswith("measurable gain (seed 0)")
    assert line_cells(table, table.lines[2])[-1].endswith(" (other seeds)")
    assert comparison_cells(table)[0][-1].endswith("measurable gain (seed 0)")


def test_a_row_beside_its_own_host():
    runs = [
        made_run("f", row="fcn"),
        made_run("h", row="host", quality=0.8),
        made_run("m", row="module", quality=0.82),
        made_run("o", row="host", quality=0.8, protocol="other"),
    ]
    small, other = results_tables(runs, baseline="fcn", against=[("module", "host"), ("host", "fcn")])
    module, host = small.comparisons
    assert (module.row, module.host, host.row, host.host) == ("module", "host", "host", "fcn")
    counts = [run.evaluation.per_image_NK3[None] for run in runs]
    assert module.difference == paired_bootstrap(counts[2], counts[1])
    assert host.difference == small.lines[1].difference
    assert other.comparisons == ()  # A protocol that lacks one of the two.
    with pytest.raises(BadInput, match="rows to compare must be among these runs, but got 'hosts'"):
        results_tables(runs, against=[("module", "hosts")])


def test_a_table_a_protocol():
    runs = [
        made_run("f0", row="fcn"),
        made_run("x0", row="only small"),
        made_run("big", row="deeplab", protocol="full"),
    ]
    small, full = results_tables(runs, baseline="fcn")
    assert (small.protocol, small.has_baseline, len(small.lines)) == ("small", True, 2)
    assert (full.protocol, full.has_baseline, full.lines[0].difference) == ("full", False, None)
    (without,) = results_tables(runs[:2])
    assert not without.has_baseline and without.lines[1].difference is None


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "a table must have at least one run, but got none"),
        ([made_run("a", row="a")], "the baseline must be a row of these runs, but got 'fcn'; rows: a"),
        (
            [made_run("a", row="fcn"), made_run("b", row="b", class_names=("sky", "road", "sign"))],
            r"same classes, but got 3 in b and 3 in a \(different: pole, sign\)",
        ),
        (
            [made_run("a", row="fcn"), made_run("b", row="b", class_names=("road", "sky", "pole"))],
            r"same classes, but got .* \(different: only their order\)",
        ),
        (
            [made_run("a", row="fcn"), made_run("b", row="b", image_names=tuple("abcdefghijkl"))],
            "runs of protocol 'small' must be evaluated on the same images and labels, but got others in b than in a",
        ),
        (
            [made_run("a", row="fcn"), made_run("b", row="fcn")],
            r"row 'fcn', protocol 'small' must have different seeds, but got \[0, 0\] in a, b",
        ),
        (
            [made_run("a", row="fcn"), made_run("b", row="fcn", seed=1, steps=900)],
            "row 'fcn', protocol 'small' must share steps, scales and flip, but got .*552.*900",
        ),
        (
            [made_run("a", row="fcn"), made_run("b", row="fcn", seed=1, flip=True)],
            "row 'fcn', protocol 'small' must share steps, scales and flip",
        ),
    ],
)
def test_refuses(runs, message):
    with pytest.raises(BadInput, match=message):
        results_tables(runs, baseline="fcn")


def written_run(folder, run):
    write_evaluation(run.evaluation, folder)
    (folder / "recipe.yaml").write_text("name: a\n")
    (folder / "run.json").write_text(json.dumps({**run.record.model_dump(), "another_key": 1}))
    return folder


def test_reads_a_run_folder(tmp_path):
    run = made_run("a", row="fcn")
    read = read_evaluated_run(written_run(tmp_path / "a", run))
    assert read.record == run.record and read.folder == tmp_path / "a"
    assert read.evaluation.mean_iou == run.evaluation.mean_iou


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("recipe.yaml", "a run folder must hold .* but got no recipe.yaml in .*; run `mereo train` for it"),
        ("run.json", "but got no run.json in .*; run `mereo train` for it"),
        ("evaluation.json", "but got no evaluation.json in .*; run `mereo evaluate` for it"),
        ("per_image.csv", "but got no per_image.csv in .*; run `mereo evaluate` for it"),
    ],
)
def test_refuses_a_folder_without_a_file(tmp_path, missing, message):
    folder = written_run(tmp_path / "a", made_run("a", row="fcn"))
    (folder / missing).unlink()
    with pytest.raises(BadInput, match=message):
        read_evaluated_run(folder)


def test_refuses_no_folder_and_a_broken_record(tmp_path):
    with pytest.raises(BadInput, match="a run must be a folder, but got .*nowhere"):
        read_evaluated_run(tmp_path / "nowhere")
    folder = written_run(tmp_path / "a", made_run("a", row="fcn"))
    (folder / "run.json").write_text("[")
    with pytest.raises(BadInput, match="run.json must be readable JSON, but got: "):
        read_evaluated_run(folder)
    (folder / "run.json").write_text('{"name": "a"}')
    with pytest.raises(BadInput, match="run.json must be valid, but got: row: Field required"):
        read_evaluated_run(folder)
