"""A finished run becomes a built-in parser: its measures and fits come along, and it may not be too large."""

import hashlib
import sys
from pathlib import Path

import pytest
from tiny_parser import tiny_parser

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

import pack_parser
from test_evaluation_files import made_evaluation
from test_perceptual_files import perceptual_measures

from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.perceptual_files import write_perceptual_measures
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import load, read_tensors, save_changed, save_parser

CARD = ModelCard(title="Tiny", terms="free", measured={"mean_iou": 0.1, "parts_mean_iou": 0.2, "of_another_tool": 0.3})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "built_in").mkdir()
    save_parser(tiny_parser(), tmp_path / "run" / "last.safetensors", card=CARD)
    write_evaluation(made_evaluation(), tmp_path / "run")
    return tmp_path / "run"


def pack(run: Path, **options: Path) -> Path:
    return pack_parser.pack(run, "tiny", folder=run.parent / "built_in", **options)


def test_what_the_card_says_stays_and_what_was_evaluated_is_written_over_it(run: Path) -> None:
    evaluation = made_evaluation()
    path = pack(run)
    card = load(path).card
    assert card is not None and card.title == "Tiny"
    assert card.measured_on == f"{evaluation.num_images} images of val"
    assert card.measured == {
        **CARD.measured,
        "mean_iou": round(evaluation.mean_iou, 4),
        "pixel_accuracy": round(evaluation.pixel_accuracy, 4),
        "boundary_iou": round(evaluation.boundary_iou, 4),
    }
    assert {str(value.dtype) for value in read_tensors(path).values()} >= {"torch.float16"}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (path.parent / "checksums.txt").read_text() == f"{digest}  tiny.safetensors\n"


def test_measures_of_every_task_come_along(run: Path) -> None:
    measures = perceptual_measures()
    write_perceptual_measures(measures, run)
    card = load(pack(run)).card
    assert card is not None and len(measures.tasks) > 2
    for name, task in measures.tasks.items():
        kind = "accuracy" if name in ("scenes", "textures") else "mean_iou"
        if name != "objects" and task.headline is not None:
            assert card.measured[f"{name}_{kind}"] == round(task.headline, 4)
    assert not any(name.startswith("objects") for name in card.measured)
    assert card.measured_on == f"val: objects {made_evaluation().num_images}, materials 2, scenes 4 images"


def test_a_calibrated_file_in_place_of_the_runs_own(run: Path, tmp_path: Path) -> None:
    calibrated = save_changed(run / "last.safetensors", tmp_path / "calibrated.safetensors", temperature=1.75)
    assert load(pack(run)).temperature == 1.0
    assert load(pack(run, parser_file=calibrated)).temperature == 1.75


def test_one_that_is_too_large_or_has_no_terms_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(run)
    before = path.read_bytes()
    monkeypatch.setattr(pack_parser, "MOST_BYTES_OF_ONE_HEAD", len(before) - 1)
    with pytest.raises(SystemExit, match="a built-in parser with 1 head must have at most .* MiB, but got"):
        pack(run)
    assert path.read_bytes() == before, "and the one that was there stays"
    monkeypatch.undo()
    save_parser(tiny_parser(), run / "last.safetensors", card=ModelCard(title="Tiny"))
    with pytest.raises(SystemExit, match="a built-in parser must have terms"):
        pack(run)


def test_how_large_they_may_be() -> None:
    assert [pack_parser.most_bytes(heads) for heads in (1, 2)] == [16 * 2**20, 24 * 2**20]
