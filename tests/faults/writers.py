"""Every writer of the package, as something that can be called again and again. A new writer needs a case here:
`test_writers_under_faults.py` finds the functions that write and that no case runs."""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
sys.path.insert(0, str(Path(__file__).parents[1] / "drawing"))
from test_evaluation_files import made_evaluation
from test_level_files import made_measures
from test_perceptual_files import perceptual_measures
from tiny_parser import tiny_parser
from writers_of_answers import (
    draw_found_things,
    explain_levels_of_one,
    explain_one,
    explain_tokens_of_one,
    make_page,
    save_instances,
    small_parse,
    small_picture,
    summarise_parses,
    write_counts,
    write_instance_measures,
    write_label_tiff,
    write_map_of_a_class,
    write_mask,
    write_page_of_affinities,
    write_page_of_an_evaluation,
    write_page_of_levels,
    write_page_of_neighbours,
    write_page_of_tokens,
    write_panoptic,
    write_quality_of_a_parser,
)
from writers_of_groups import WRITERS_OF_GROUPS
from writers_of_labels import WRITERS_OF_LABELS
from writers_of_measures import WRITERS_OF_MEASURES
from writers_of_segments import WRITERS_OF_SEGMENTS

from mereo.atomic_files import remove_leftovers, write_bytes, write_json, write_text
from mereo.commands.main import run
from mereo.data import class_histogram, drawn_scenes
from mereo.data.drawn import folder as drawn_folder
from mereo.data.drawn import preview
from mereo.data.sample import Sample
from mereo.drawing.parse_files import save_parse
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.level_files import write_level_measures
from mereo.evaluation.perceptual_files import write_perceptual_measures
from mereo.evaluation.results_text import write_section
from mereo.evaluation.token_measures import TokenMeasures, write_token_measures
from mereo.parser.weights import save_changed, save_parser
from mereo.reasoning.cooccurrence_of_samples import cooccurrence_of
from mereo.recipe.run_facts import save_measured_parser
from mereo.regions.superpixel_cache import cached_superpixels
from mereo.strict_yaml import dump_yaml
from mereo.training.checkpoint import Checkpoint, save_checkpoint, set_aside_after
from mereo.training.run_folder import RunFolder
from mereo.training.run_lock import run_lock


class CommandFailed(Exception):
    """A command line ended with this exit code instead of an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Writer:
    """`prepare` makes what is there before, `write` writes anew, `again` is what a user does after a failure.

    `volatile`: files whose bytes differ each time; `appended`: files that grow row by row; `forgives`: a failure costs
    so little that nobody needs to hear of it.
    """

    name: str
    write: Callable[[Path], Any]
    prepare: Callable[[Path], Any] = lambda folder: None
    again: Callable[[Path], Any] | None = None
    volatile: tuple[str, ...] = ()
    appended: tuple[str, ...] = ()
    forgives: bool = False
    is_slow: bool = False


def command(*arguments: object) -> None:
    code = run([str(argument) for argument in arguments])
    if code:
        raise CommandFailed(code)


@lru_cache(maxsize=1)
def parser() -> Any:
    return tiny_parser()


@lru_cache(maxsize=1)
def drawn_sample() -> Sample:
    return drawn_scenes.draw_scene(0, 0, size=(24, 32), kind="street")


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(step, {"weight": torch.full((300,), float(step))}, {"skipped_steps": step})


def save_checkpoints(folder: Path, *steps: int) -> None:
    for step in steps:
        save_checkpoint(folder / "checkpoints", checkpoint(step), keep_last=2)


def set_broken_aside(folder: Path) -> None:
    set_aside_after(folder / "checkpoints", 1)


class OneSample:
    """A data set of one drawn scene."""

    taxonomy, fingerprint, names = drawn_scenes.drawn_taxonomy(), "one", ["one"]

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return drawn_sample()


def count_classes(folder: Path) -> None:
    class_histogram.class_histogram(OneSample())  # type: ignore[arg-type]


def tiny_recipe(folder: Path) -> Path:
    """Of two drawn scenes; lies outside the folder, whose operations are counted."""
    text = (Path(__file__).parents[2] / "recipes" / "drawn_fcn.yaml").read_text(encoding="utf-8")
    path = folder.parent / "recipe.yaml"
    path.write_text(text.replace("count: 2000, seed: 0, size: [240, 320]", "count: 2, seed: 0, size: [24, 32]"))
    return path


def count_affinity(folder: Path) -> None:
    """The picture is made once: this is about files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.drawing.affinity_picture.draw_affinity", lambda *arguments, **options: small_picture())
        patch.setattr("mereo.data.sources.open_samples", lambda *arguments, **options: OneSample())
        command("data", "affinity", tiny_recipe(folder), "--out", folder / "out")


@lru_cache(maxsize=4)
def yaml_of(text: str) -> str:
    return dump_yaml(ast.literal_eval(text))


def draw_folder(folder: Path, *, force: bool = False) -> None:
    """Scene, preview and YAML are made once: this is about files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn_folder, "draw_scene", lambda *arguments, **options: drawn_sample())
        patch.setattr(drawn_folder, "dump_yaml", lambda content: yaml_of(repr(content)))
        patch.setattr(preview, "contact_sheet", lambda samples: Image.new("RGB", (40, 30)))
        size = ["--count", "1", "--val", "0", "--size", "32x24"]
        command("data", "draw", folder / "drawn", *size, *["--force"] * force)


def labelled_folder(folder: Path) -> None:
    for kind in ("images", "masks"):
        (folder / "data" / kind).mkdir(parents=True)
    for number in range(3):
        Image.fromarray(np.full((12, 16, 3), 40 * number, np.uint8)).save(folder / "data" / "images" / f"{number}.jpg")
        Image.fromarray(np.full((12, 16), number % 2, np.uint8)).save(folder / "data" / "masks" / f"{number}.png")


def run_rows(folder: Path, *, is_resumed: bool = True) -> None:
    run_folder = RunFolder(folder)
    run_folder.open(is_resumed=is_resumed, first_step=2)
    with run_folder:
        for step in (3, 4):
            run_folder.write_metrics(step, {"loss": 1.0 / step})
            run_folder.write_pictures({"picture": np.zeros((2, 3, 3), dtype=np.uint8)})
            run_folder.flush()


def first_rows(folder: Path) -> None:
    run_folder = RunFolder(folder)
    run_folder.open(is_resumed=False, first_step=0)
    with run_folder:
        for step in (1, 2, 3):
            run_folder.write_metrics(step, {"loss": 1.0 / step})


def hold_lock(folder: Path) -> None:
    with run_lock(folder / "run"):
        pass


def leave_temporaries(folder: Path) -> None:
    (folder / ".a.json.0123456789ab.tmp").write_text("half")


def compare_panoptic(folder: Path) -> None:
    answers = folder / "answers.json"
    command("data", "quality", answers, answers, "--json", folder / "quality.json")


def save_parser_of(folder: Path) -> None:
    save_parser(parser(), folder / "p.safetensors")


class AnyRecipe:
    """What a card asks of a recipe."""

    name = "tiny"

    class training:
        steps = 3


def save_measured_parser_of(folder: Path) -> None:
    from mereo.parser.model_card import ModelCard

    AnyRecipe.card = ModelCard()  # type: ignore[attr-defined]
    save_measured_parser(parser(), AnyRecipe(), made_evaluation(), folder)  # type: ignore[arg-type]


TOKEN_MEASURES = TokenMeasures(num_tokens=3, num_images=2, class_semantics=0.5, class_diversity=0.25)
VOLATILE_ROWS: dict[str, Any] = {"volatile": ("events*", "timing.json"), "appended": ("metrics.jsonl",)}
DRAWN: dict[str, Any] = {"volatile": (".mereo_drawing",), "is_slow": True}
WRITERS = (
    Writer("bytes", lambda f: write_bytes(f / "a" / "b", b"new" * 100), lambda f: write_bytes(f / "a" / "b", b"old")),
    Writer("text", lambda f: write_text(f / "b.txt", "new"), lambda f: write_text(f / "b.txt", "old")),
    Writer("json", lambda f: write_json(f / "sub" / "sub" / "b.json", {"new": 1})),
    Writer("leftovers", remove_leftovers, leave_temporaries, forgives=True),
    Writer("checkpoint", lambda f: save_checkpoints(f, 3), lambda f: save_checkpoints(f, 1, 2)),
    Writer("first checkpoint", lambda f: save_checkpoints(f, 1)),
    Writer("same checkpoint", lambda f: save_checkpoints(f, 2), lambda f: save_checkpoints(f, 1, 2)),
    Writer("broken checkpoints", set_broken_aside, lambda f: save_checkpoints(f, 1, 2), forgives=True),
    Writer("parser", lambda f: save_parser(parser(), f / "p"), lambda f: write_text(f / "p", "old")),
    Writer("parsers with cards", save_measured_parser_of),
    Writer(
        "evaluation",
        lambda f: write_evaluation(made_evaluation(), f),
        lambda f: write_evaluation(made_evaluation(seed=1), f),
    ),
    Writer("parse", lambda f: save_parse(small_parse(), f, stem="a")),
    Writer("page", make_page),
    Writer("summary of parses", summarise_parses),
    Writer("unsure mask", write_mask),
    Writer("panoptic files", write_panoptic),
    Writer("panoptic quality", compare_panoptic, write_panoptic, volatile=("quality.json",)),
    Writer("panoptic quality of a parser", write_quality_of_a_parser, write_quality_of_a_parser),
    Writer("page of an evaluation", write_page_of_an_evaluation),
    Writer(
        "another temperature", lambda f: save_changed(f / "p.safetensors", f / "q", temperature=2.0), save_parser_of
    ),
    Writer("label tiff", write_label_tiff),
    Writer("instance parser", save_instances),
    Writer("average precisions", write_instance_measures, write_instance_measures),
    Writer("pictures of things", draw_found_things),
    Writer("counts of classes", write_counts),
    Writer("page of affinities", write_page_of_affinities),
    Writer("page of tokens", write_page_of_tokens),
    Writer("page of levels", write_page_of_levels),
    Writer("page of neighbours", write_page_of_neighbours),
    Writer("map of a class", write_map_of_a_class),
    Writer("explanation", explain_one),
    Writer("explanation of levels", explain_levels_of_one),
    Writer("explanation of tokens", explain_tokens_of_one),
    *(Writer(name, write) for name, write in (WRITERS_OF_GROUPS | WRITERS_OF_SEGMENTS).items()),
    *(Writer(name, write, before) for name, (write, before) in (WRITERS_OF_LABELS | WRITERS_OF_MEASURES).items()),
    Writer("measures of tokens", lambda f: write_token_measures(TOKEN_MEASURES, f)),
    Writer("measures of levels", lambda f: write_level_measures(made_measures(), f)),
    Writer("measures of tasks", lambda f: write_perceptual_measures(perceptual_measures(), f)),
    Writer("histogram", count_classes, forgives=True),
    Writer("co-occurrence", lambda f: cooccurrence_of(OneSample()), forgives=True),  # type: ignore[arg-type]
    Writer("superpixels", lambda f: cached_superpixels(small_picture()), forgives=True),
    Writer("affinity", count_affinity, lambda f: cooccurrence_of(OneSample())),  # type: ignore[arg-type]
    Writer("drawn folder", draw_folder, again=lambda f: draw_folder(f, force=True), **DRAWN),
    Writer("drawn anew", lambda f: draw_folder(f, force=True), draw_folder, **DRAWN),
    Writer(
        "starter files",
        lambda f: command("init", f / "data"),
        labelled_folder,
        again=lambda f: command("init", f / "data", "--force"),
    ),
    Writer("table", lambda f: write_section(f / "r.md", "results", "new"), lambda f: write_text(f / "r.md", "# Old\n")),
    Writer("first rows", first_rows, **VOLATILE_ROWS),
    Writer("rows", run_rows, first_rows, **VOLATILE_ROWS),
    Writer("lock", hold_lock, forgives=True),
)
