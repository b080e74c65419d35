"""Writers of what a person gets, parses and evaluations, each with content that is made once: these are about files."""

import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
sys.path.insert(0, str(Path(__file__).parents[1] / "drawing"))
sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_evaluation_files import made_evaluation
from test_level_answers import made_answers
from test_parse_files import parse_of
from tiny_instance_parser import tiny_instance_config, tiny_instance_parser, tiny_source
from tiny_parser import TAXONOMY, tiny_parser

from mereo.assembly.seen_tokens import seen_tokens
from mereo.commands.explain import explain
from mereo.commands.parse_images import ParseRun, ParseSettings
from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.instances import Instances
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.drawing import affinity_page, class_map_page, level_page, parse_files, token_page
from mereo.drawing.affinity_page import write_affinity_page
from mereo.drawing.class_map_page import write_class_map_page
from mereo.drawing.error_pictures import ErrorPictures
from mereo.drawing.instance_overlay import InstancePictures
from mereo.drawing.label_tiff import label_tiff
from mereo.drawing.level_page import write_level_page
from mereo.drawing.neighbour_page import ShownSegment, write_neighbour_page
from mereo.drawing.parse_files import save_for_page
from mereo.drawing.parse_page import write_parse_page
from mereo.drawing.segment_thumbnail import segment_thumbnail
from mereo.drawing.token_page import write_token_page
from mereo.drawing.unsure_areas import write_unsure_png
from mereo.evaluation import evaluation_page
from mereo.evaluation.evaluation_page import write_evaluation_page
from mereo.evaluation.instance_evaluation import InstanceEvaluation, write_instance_evaluation
from mereo.evaluation.panoptic_files import PanopticEvaluation
from mereo.evaluation.panoptic_quality_file import write_panoptic_quality
from mereo.evaluation.worst_images import WorstImage
from mereo.interaction.affinity_explanation import AffinityExplanation
from mereo.interaction.level_explanation import LevelExplanation
from mereo.interaction.token_explanation import TokenExplanation
from mereo.metrics.instance_average_precision import AveragePrecision, InstanceScores
from mereo.metrics.panoptic_quality import PanopticCounts
from mereo.parser.instances.instance_files import save_instance_parser
from mereo.reasoning.affinity_influences import Influence, RegionInfluences
from mereo.reasoning.cooccurrence import Cooccurrence
from mereo.reasoning.cooccurrence_file import write_cooccurrence


@lru_cache(maxsize=1)
def small_parse() -> Any:
    """Of objects, and of materials that are called the same."""
    parse = parse_of(np.arange(20 * 30).reshape(20, 30) % 3, 3)
    taxonomy = replace(parse.taxonomy, materials=parse.taxonomy.objects)
    return replace(parse, taxonomy=taxonomy, materials=parse.semantic)


def make_page(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_files, "draw_overlay", lambda parse, **options: parse.image_HWC)
        save_page(folder)


def save_page(folder: Path) -> None:
    image = save_for_page(small_parse(), folder, stem="a", source="a.jpg")
    write_parse_page(folder / "index.html", [image], [], taxonomy=small_parse().taxonomy, parser_name="tiny")


@lru_cache(maxsize=1)
def tiny_transfer() -> Any:
    source = tiny_source()
    return tiny_instance_parser(source), tiny_instance_config(source)


def save_instances(folder: Path) -> None:
    parser, config = tiny_transfer()
    save_instance_parser(parser, folder / "i.safetensors", config=config, features_taxonomy=TAXONOMY)


def measured_instances() -> InstanceEvaluation:
    precision = AveragePrecision(0.5, 0.6, 0.4, None, 0.1, 0.2, (0.5, None))
    return InstanceEvaluation(("box", "ball"), InstanceScores(precision, precision), 1, (1, 0), (1, 2), seconds=1.0)


def draw_found_things(folder: Path) -> None:
    image_HWC = small_parse().image_HWC
    nothing = Instances((20, 30), np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 4)), ())
    InstancePictures(folder / "new", count=1, names=(), colours_K3=np.zeros((0, 3))).see("a", image_HWC, nothing)


def write_instance_measures(folder: Path) -> None:
    write_instance_evaluation(measured_instances(), folder)


def write_label_tiff(folder: Path) -> None:
    with label_tiff(folder / "labels.tif", (20, 30), small_parse().taxonomy.objects.colours_K3) as tiff:
        tiff.write(small_parse().semantic)


TWO_SEGMENTS = PanopticMap(np.array([[1, 1, 7], [0, 7, 7]]), (PanopticSegment(1, 0), PanopticSegment(7, 2)))


def write_quality_of_a_parser(folder: Path) -> None:
    counts = PanopticCounts(np.array([1, 0]), np.array([0, 1]), np.array([1, 0]), np.array([0.75, 0.0]))
    write_panoptic_quality(PanopticEvaluation(("sky", "car"), (False, True), counts, num_images=1, seconds=0.5), folder)


def write_panoptic(folder: Path) -> None:
    with PanopticWriter(folder / "answers.json", TAXONOMY) as writer:
        writer.add(TWO_SEGMENTS, stem="a", file_name="a.jpg")


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


def summarise_parses(folder: Path) -> None:
    settings = ParseSettings(scales=(1.0,), flip=False, size=None, tile=None, max_pixels=10**6, stops_on_bad=False)
    parse_run = ParseRun(tiny_parser(taxonomy=small_parse().taxonomy), "tiny", folder, settings)
    parse_run.done.append(summarised_parse())
    parse_run._write_summary(is_finished=True)


@lru_cache(maxsize=1)
def summarised_parse() -> Any:
    """Its files need not be there: the page and the JSONs only name them."""
    with TemporaryDirectory() as elsewhere, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_files, "draw_overlay", lambda parse, **options: parse.image_HWC)
        return save_for_page(small_parse(), elsewhere, stem="a", source="a.jpg")


def write_counts(folder: Path) -> None:
    write_cooccurrence(folder / "affinity.safetensors", Cooccurrence(torch.tensor([[2, 1], [1, 1]]), ("a", "b"), 2))


def write_page_of_affinities(folder: Path) -> None:
    regions = (RegionInfluences(0, 1.0, (Influence(1, 0.5, 0.1),), ()),)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(affinity_page, "draw_overlay", lambda parse: parse.image_HWC)
        write_affinity_page(folder, coarse=small_parse(), refined=small_parse(), regions=regions, name="a")


def write_page_of_tokens(folder: Path) -> None:
    parse = small_parse()
    tokens = seen_tokens(np.ones((2, 2, 3)), parse.semantic, parse.taxonomy.num_objects)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_page, "draw_overlay", lambda parse: parse.image_HWC)
        patch.setattr(token_page, "draw_token", lambda *arguments: small_picture())
        patch.setattr(token_page, "draw_token_sheet", lambda *arguments: small_picture())
        write_token_page(folder, parse=parse, tokens=tokens, num_tokens=2, name="a", matching_HWC=small_picture())


def write_page_of_neighbours(folder: Path) -> None:
    parse = small_parse()
    thumbnail = segment_thumbnail(parse.image_HWC, (2, 2, 9, 9))
    one = ShownSegment(thumbnail, (2, 2, 9, 9), parse.size, 1, "a.jpg", distance=0.25)
    write_neighbour_page(folder, query=one, found=[one], taxonomy=parse.taxonomy)


def write_map_of_a_class(folder: Path) -> None:
    """The pictures are made once: this is about files."""
    parse = small_parse()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("draw_dots", "draw_thumbnails"):
            patch.setattr(class_map_page, name, lambda *arguments: small_picture())
        write_class_map_page(
            folder,
            class_index=1,
            num_segments=1,
            position_N2=np.zeros((1, 2)),
            share_NK=np.ones((1, 3)) / 3,
            images=["a.jpg"],
            thumbnails=[segment_thumbnail(parse.image_HWC, (2, 2, 9, 9))],
            taxonomy=parse.taxonomy,
        )


def explain_tokens_of_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    parse = small_parse()
    tokens = seen_tokens(np.ones((2, 2, 3)), parse.semantic, parse.taxonomy.num_objects)
    explanation = TokenExplanation(parse, np.ones((2, 2, 3)), tokens, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: parse.image_HWC)
        patch.setattr("mereo.interaction.token_explanation.explain_tokens", lambda *arguments: explanation)
        patch.setattr("mereo.drawing.token_page.write_token_page", lambda out, **options: out / "index.html")
        explain(Path("a.jpg"), tokens=True, out=folder / "out")


def write_page_of_levels(folder: Path) -> None:
    """The pictures are made once: this is about files."""
    with pytest.MonkeyPatch.context() as patch:
        for what in ("photograph", "speaking_cells", "levels", "semantic_level", "unity_level"):
            patch.setattr(level_page.pictures, f"draw_{what}", lambda *arguments: small_picture())
        write_level_page(folder, parse=small_parse(), answers=made_answers(), name="a")


def explain_levels_of_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    parse = small_parse()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: parse.image_HWC)
        patch.setattr(
            "mereo.interaction.level_explanation.explain_levels",
            lambda *arguments: LevelExplanation(parse, made_answers()),
        )
        patch.setattr("mereo.drawing.level_page.write_level_page", lambda out, **options: out / "index.html")
        explain(Path("a.jpg"), levels=True, out=folder / "out")


def explain_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    parse = small_parse()
    explanation = AffinityExplanation(parse.image_HWC, parse.semantic, parse.semantic, (), parse.taxonomy)
    region = RegionInfluences(0, 1.0, (), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: parse.image_HWC)
        patch.setattr(
            "mereo.interaction.affinity_explanation.explain_affinity",
            lambda *arguments: replace(explanation, regions=(region,)),
        )
        patch.setattr("mereo.drawing.affinity_page.write_affinity_page", lambda out, **options: out / "index.html")
        explain(Path("a.jpg"), affinity=True, out=folder / "out")
