"""Every writer of the package, as something that can be called again and again. A new writer needs a case here:
`test_writers_under_faults.py` finds the functions that write and that no case runs."""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
sys.path.insert(0, str(Path(__file__).parents[1] / "drawing"))
from test_evaluation_files import made_evaluation
from test_parse_files import parse_of
from tiny_parser import TAXONOMY, tiny_parser

from mereo.atomic_files import remove_leftovers, write_bytes, write_json, write_text
from mereo.commands.main import run
from mereo.commands.parse_images import ParseRun, ParseSettings
from mereo.data import class_histogram, drawn_scenes
from mereo.data.coco_panoptic_writing import PanopticWriter
from mereo.data.drawn import folder as drawn_folder
from mereo.data.drawn import preview
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.sample import Sample
from mereo.drawing import parse_files
from mereo.drawing.error_pictures import ErrorPictures
from mereo.drawing.label_tiff import label_tiff
from mereo.drawing.parse_files import save_for_page, save_parse
from mereo.drawing.parse_page import write_parse_page
from mereo.drawing.unsure_areas import write_unsure_png
from mereo.evaluation import evaluation_page
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.evaluation_page import write_evaluation_page
from mereo.evaluation.results_text import write_section
from mereo.evaluation.worst_images import WorstImage
from mereo.parser.weights import save_parser, save_with_temperature
from mereo.recipe.run_facts import write_card
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
def small_parse() -> Any:
    return parse_of(np.arange(20 * 30).reshape(20, 30) % 3, 3)


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


def make_page(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_files, "draw_overlay", lambda parse, **options: parse.image_HWC)
        save_page(folder)


def save_page(folder: Path) -> None:
    image = save_for_page(small_parse(), folder, stem="a", source="a.jpg")
    write_parse_page(folder / "index.html", [image], [], taxonomy=small_parse().taxonomy, parser_name="tiny")


def write_label_tiff(folder: Path) -> None:
    with label_tiff(folder / "labels.tif", (20, 30), small_parse().taxonomy.objects.colours_K3) as tiff:
        tiff.write(small_parse().semantic)


class OneSample:
    """A data set of one drawn scene."""

    taxonomy, fingerprint, names = drawn_scenes.drawn_taxonomy(), "one", ["one"]

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return drawn_sample()


def count_classes(folder: Path) -> None:
    class_histogram.class_histogram(OneSample())  # type: ignore[arg-type]


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


TWO_SEGMENTS = PanopticMap(np.array([[1, 1, 7], [0, 7, 7]]), (PanopticSegment(1, 0), PanopticSegment(7, 2)))


def write_panoptic(folder: Path) -> None:
    with PanopticWriter(folder / "answers.json", TAXONOMY) as writer:
        writer.add(TWO_SEGMENTS, stem="a", file_name="a.jpg")


def compare_panoptic(folder: Path) -> None:
    answers = folder / "answers.json"
    command("data", "quality", answers, answers, "--json", folder / "quality.json")


def write_mask(folder: Path) -> None:
    parse = small_parse()
    confidence_HW = np.linspace(0, 1, parse.semantic.size, dtype=np.float16).reshape(parse.semantic.shape)
    write_unsure_png(folder / "unsure" / "a.png", replace(parse, confidence=confidence_HW), 0.5)


@lru_cache(maxsize=1)
def small_picture() -> np.ndarray:
    return np.full((8, 8, 3), 90, dtype=np.uint8)


def write_page_of_an_evaluation(folder: Path) -> None:
    """The pictures are made once: this is about files."""
    pictures = ErrorPictures(b"one", b"two", b"three", b"four", size=(8, 8))
    worst = WorstImage("a", 0.25, (), (0, 1), pictures)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation_page, "draw_confusion", lambda *arguments: small_picture())
        patch.setattr(evaluation_page, "draw_reliability", lambda *arguments: small_picture())
        write_evaluation_page(made_evaluation(is_reliable=True), folder, taxonomy=TAXONOMY, worst=[worst])


def save_parser_of(folder: Path) -> None:
    save_parser(parser(), folder / "p.safetensors")


def summarise_parses(folder: Path) -> None:
    settings = ParseSettings(scales=(1.0,), flip=False, size=None, tile=None, max_pixels=10**6, stops_on_bad=False)
    parse_run = ParseRun(parser(), "tiny", folder, settings)
    parse_run.done.append(summarised_parse())
    parse_run._write_summary(is_finished=True)


@lru_cache(maxsize=1)
def summarised_parse() -> Any:
    """Its files need not be there: the page and the JSONs only name them."""
    with TemporaryDirectory() as elsewhere, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_files, "draw_overlay", lambda parse, **options: parse.image_HWC)
        return save_for_page(small_parse(), elsewhere, stem="a", source="a.jpg")


class AnyRecipe:
    """What a card asks of a recipe."""

    name = "tiny"

    class training:
        steps = 3


def write_any_card(folder: Path) -> None:
    from mereo.parser.model_card import ModelCard

    AnyRecipe.card = ModelCard()  # type: ignore[attr-defined]
    write_card(parser(), AnyRecipe(), made_evaluation(), folder)  # type: ignore[arg-type]


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
    Writer("parsers with cards", write_any_card),
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
    Writer("page of an evaluation", write_page_of_an_evaluation),
    Writer("another temperature", lambda f: save_with_temperature(f / "p.safetensors", f / "q", 2.0), save_parser_of),
    Writer("label tiff", write_label_tiff),
    Writer("histogram", count_classes, forgives=True),
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
