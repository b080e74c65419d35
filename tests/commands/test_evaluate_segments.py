"""`mereo evaluate` of segments and surroundings: sorted segments, two branches, other settings, rows of a table."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mereo.commands.main import run
from mereo.evaluation.context_measures import read_context_measures
from mereo.evaluation.evaluation_files import read_evaluation
from mereo.evaluation.panoptic_quality_file import read_panoptic_quality
from mereo.strict_yaml import dump_yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from small_transfer import small_transfer
from tiny_sorting_parser import CENTERS, HEAD

DATA = {"format": "drawn_scenes", "count": 2, "size": [48, 64], "kinds": ["street"]}
WEAK = {"instances": "components"}


def recipe_of(name: str, parser: dict[str, Any], loss: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "row": name,
        "protocol": "tiny",
        "train_data": DATA,
        "val_data": DATA | {"seed": 1},
        "augmentation": {"crop": [48, 64], "scale": [1, 1]},
        "parser": {"backbone": {"name": "test_efficientnet"}} | parser,
        "losses": [loss],
        "training": {"steps": 1, "batch_size": 2, "num_workers": 0, "device": "cpu", "num_threads": 1},
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One step each: sorted segments, classes alone, and a detector that learned connected components."""
    folder = tmp_path_factory.mktemp("runs")
    levels = [{"stage": "feature_levels", "width": 8, "grid_sizes": []}]
    heads = [HEAD, CENTERS | {"lowest_score": 0.0}]
    recipes = {
        "sorting": recipe_of("sorting", {"path": levels, "heads": heads}, {"loss": "segment_sorting"}),
        "semantic": recipe_of(
            "semantic", {"path": [{"stage": "projection", "width": 8}]}, {"loss": "pixel_cross_entropy"}
        ),
    }
    for name, content in recipes.items():
        path = folder / f"{name}.yaml"
        path.write_text(dump_yaml(content))
        assert run(["train", str(path), "--out", str(folder / name)]) == 0
    detector = small_transfer(steps=1) | {"train_data": DATA | WEAK, "val_data": DATA | WEAK | {"seed": 1}}
    (folder / "detector.yaml").write_text(dump_yaml(detector))
    command = ["transfer", str(folder / "detector.yaml"), "--out", str(folder / "detector"), "--pictures", "0"]
    assert run(command) == 0
    return folder


def test_sorted_segments_and_two_branches_in_one_table(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segments = ["--panoptic", "components", "--context", "components", "--worst", "1"]
    sorting = ["evaluate", str(runs / "sorting"), *segments, "--row", "one embedding", "--out", str(tmp_path / "one")]
    assert run(sorting) == 0
    printed = capsys.readouterr().out
    assert "mean over" in printed and "nearest of one class by the embedding of segment_sorting" in printed
    assert " * " in printed and "* fewer than 41 things: their 20 nearest are most of the class" in printed
    both = ["--with-instances", str(runs / "detector"), "--row", "two branches", "--out", str(tmp_path / "two")]
    assert run(["evaluate", str(runs / "semantic"), *segments, *both]) == 0
    printed = capsys.readouterr().out
    assert "nearest of one class by the finest map of the detector's pyramid" in printed
    assert "calibration error" not in printed, "two networks have no confidence together"
    for name, features in (("one", "the embedding of"), ("two", "the finest map of")):
        quality, context = read_panoptic_quality(tmp_path / name), read_context_measures(tmp_path / name)
        assert quality is not None and quality.instances == "components" and quality.num_images == 2
        assert context is not None and context.features.startswith(features) and context.error is not None
        assert (tmp_path / name / "index.html").is_file()
    # The very same things are asked about.
    one, two = (read_context_measures(tmp_path / name) for name in ("one", "two"))
    assert [(c.name, c.instances, c.queries) for c in one.classes] == [
        (c.name, c.instances, c.queries) for c in two.classes
    ]
    assert read_evaluation(tmp_path / "two").conditions["with_instances"] == str(runs / "detector")
    assert run(["table", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path / "t.md")]) == 0
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "| row | true things | PQ | SQ | RQ | PQ things | PQ stuff | context error |" in text
    assert "| one embedding | components |" in text and "| two branches | components |" in text
    facts = {name: json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8")) for name in ("one", "two")}
    parts = [json.loads((runs / name / "run.json").read_text(encoding="utf-8")) for name in ("semantic", "detector")]
    assert facts["two"]["parameters"] == sum(part["parameters"] for part in parts)
    assert [one["command"].count("; ") for one in facts.values()] == [1, 2], "how each was trained, then measured"


def test_other_settings_need_no_second_training(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(runs / "sorting"), "--panoptic", "labelled", "--worst", "0"]
    assert run([*command, "--out", str(tmp_path / "plain")]) == 0
    changes = ["--set", "heads.0.uses_seeds=false", "--set", "heads.0.merge_from=-1"]
    assert run([*command, *changes, "--row", "without seeds", "--out", str(tmp_path / "changed")]) == 0
    plain, changed = (read_panoptic_quality(tmp_path / name) for name in ("plain", "changed"))
    assert plain is not None and changed is not None and plain.to_dict()["classes"] != changed.to_dict()["classes"]
    assert changed.conditions["settings"] == ["heads.0.uses_seeds=false", "heads.0.merge_from=-1"]
    facts = json.loads((tmp_path / "changed" / "run.json").read_text(encoding="utf-8"))
    assert facts["row"] == "without seeds" and facts["name"] == "sorting"
    assert not (tmp_path / "plain" / "run.json").exists()
    # Segments are those of one plain look, however many looks the classes have.
    assert run([*command, "--flip", "--out", str(tmp_path / "flipped")]) == 0
    flipped = read_panoptic_quality(tmp_path / "flipped")
    assert flipped is not None and flipped.to_dict()["classes"] == plain.to_dict()["classes"]
    assert flipped.num_images == plain.num_images == 2
    capsys.readouterr()
    for setting, message in (
        ("heads.0.width=16", "settings must leave every weight as it is in the file, but got --set heads.0.width=16"),
        ("heads.0.use_seeds=false", "did you mean 'uses_seeds'?"),
        ("heads.7.width=8", "a list place must be a number below 2, but got '7'"),
        ("nothing", "an override must be key.path=value, but got 'nothing'"),
    ):
        assert run([*command, "--set", setting]) == 2
        captured = capsys.readouterr()
        assert message in " ".join(captured.err.split()) and "mIoU" not in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--with-instances", "DETECTOR", "--tokens"], "--with-instances must stand without options for one network"),
        (["--with-instances", "DETECTOR", "--fit-temperature"], "but got --fit-temperature; evaluate the semantic"),
        (["--set", "temperature=2", "--fit-temperature"], "--set must stand without a fit"),
        (["--row", "alone"], "--row must go with --out, but got --row 'alone' alone"),
        (["--row", "own", "--out", "SEMANTIC"], "a row must have a folder of its own, but got the run's own"),
        (["--with-instances", "nowhere"], "--with-instances must be a finished run of mereo transfer, or its file"),
        (["--with-instances", "SEMANTIC"], "parser file must be one that Mereo saved"),
    ],
)
def test_what_cannot_go_together_is_told_first(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    places = {"DETECTOR": str(runs / "detector"), "SEMANTIC": str(runs / "semantic")}
    assert run(["evaluate", str(runs / "semantic"), *(places.get(one, one) for one in arguments)]) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split()) and "mIoU" not in captured.out


def test_things_that_the_data_does_not_label(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Told before anything is parsed."""
    from small_transfer import write_things

    folder = runs / "unlabelled"
    write_things(folder)
    content = (folder / "mereo.yaml").read_text().replace("instances: '{split}/instances'\n", "")
    content = content.replace("instances: '{split}/instances'", "")
    (folder / "mereo.yaml").write_text(content)
    assert run(["evaluate", str(runs / "semantic"), "--data", str(folder), "--context", "labelled"]) == 2
    captured = capsys.readouterr()
    assert "but got no instances in 0" in " ".join(captured.err.split()) and "mIoU" not in captured.out
