"""Writers of grouped photographs: pages, masks and the commands around them. Pictures are made once: this is about
files."""

import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_grouped_photograph import made_photograph
from writers_of_answers import small_picture

from mereo.commands import group as group_command
from mereo.commands.explain import explain
from mereo.drawing import grouping_page, heat_page
from mereo.drawing.group_files import write_groups
from mereo.drawing.grouping_page import write_grouping_page
from mereo.drawing.heat_page import write_heat_page
from mereo.interaction.class_scores import AskedClass
from mereo.interaction.graph_cam import GraphHeat
from mereo.parser.export.onnx_check import Agreement
from mereo.parser.export.onnx_file import OnnxParser, save_onnx


@lru_cache(maxsize=1)
def grouped() -> Any:
    return made_photograph()


def write_page_of_groups(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for what in ("photograph", "groups"):
            patch.setattr(grouping_page, f"draw_{what}", lambda *arguments, **options: small_picture())
        write_grouping_page(folder, grouped(), name="a", level=1)


def write_page_of_heat(folder: Path) -> None:
    answer_hw = np.ones((1, 1), dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        for what in ("photograph", "answer", "heat"):
            patch.setattr(heat_page, f"draw_{what}", lambda *arguments, **options: small_picture())
        write_heat_page(
            folder,
            grouped(),
            [np.ones(5)],
            name="a",
            asked="a",
            told="a",
            told_per_level=["b"],
            answer_hw=answer_hw,
            nodes_per_level=[5],
        )


def write_groups_of_a_parse(folder: Path) -> None:
    write_groups(grouped(), folder / "a.superpixels.png", folder / "a.groups.json")


def group_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: grouped().image_HWC)
        patch.setattr("mereo.interaction.clicks.group_photograph", lambda *arguments: grouped())
        patch.setattr(
            "mereo.drawing.grouping_page.write_grouping_page", lambda out, *arguments, **options: out / "index.html"
        )
        patch.setattr("mereo.drawing.grouping_pictures.draw_chosen", lambda *arguments: small_picture())
        group_command.group(Path("a.jpg"), out=folder / "out", click=["1,1"])


def explain_heat_of_one(folder: Path) -> None:
    """The command around a page that is made elsewhere."""
    answer_hw = np.ones((1, 1), dtype=bool)
    found = GraphHeat(grouped(), AskedClass("object", "a", 0), 1.0, answer_hw, answer_hw, (np.ones(5),), (5,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mereo.commands.parse.open_parser", lambda name, device: SimpleNamespace(card=None))
        patch.setattr("mereo.data.pictures.image_reading.read_image", lambda path, **options: grouped().image_HWC)
        patch.setattr("mereo.interaction.graph_cam.explain_heat", lambda *arguments: found)
        patch.setattr("mereo.drawing.heat_page.write_heat_page", lambda out, *arguments, **options: out / "index.html")
        explain(Path("a.jpg"), why="object=a", out=folder / "out")


WRITERS_OF_GROUPS = {
    "page of groups": write_page_of_groups,
    "page of heat": write_page_of_heat,
    "groups of a parse": write_groups_of_a_parse,
    "groups of one": group_one,
    "explanation of heat": explain_heat_of_one,
    "parser as a graph": lambda folder: save_onnx(OnnxParser(b"a graph", Agreement(0.0, 8)), folder / "parser.onnx"),
}
