"""What cannot be one graph is refused by name, before anything is traced."""

import pytest
import torch
from tiny_grouping_parser import tiny_grouping_parser
from tiny_mask_parser import HEADS, mask_parser
from tiny_parser import TAXONOMY, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser
from tiny_sorting_parser import HEAD as SORTING
from tiny_sorting_parser import STREET, tiny_sorting_parser
from torch import nn

from mereo.errors import BadInput
from mereo.parser.export import refusals as export_refusals
from mereo.parser.export.exported_scores import batch_scores
from mereo.parser.export.onnx_file import exported
from mereo.parser.export.refusals import left_out
from mereo.parser.scene_parser import SceneParser


@pytest.fixture(autouse=True)
def nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: pytest.fail("traced"))


def test_superpixels_are_refused_by_their_stage() -> None:
    with pytest.raises(BadInput, match=r"but got the stage deep_grouping \(superpixels .*; export a parser without it"):
        exported(tiny_grouping_parser())


def test_sorted_segments_are_refused_by_their_head() -> None:
    with pytest.raises(BadInput, match=r"but got the head segment_sorting \(its segments .* mereo serve"):
        exported(tiny_sorting_parser())


def test_a_second_head_is_refused_too() -> None:
    parser = tiny_parser(taxonomy=STREET, heads=[{"head": "pixel_classes"}, SORTING])
    with pytest.raises(BadInput, match="but got the head segment_sorting"):
        exported(parser)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("answers", ["semantic", "panoptic"])
def test_mask_queries_are_refused_by_their_head(head: str, answers: str) -> None:
    with pytest.raises(BadInput, match=rf"but got the head {head} \(its queries .* known number of pictures\); export"):
        exported(mask_parser(head, answers=answers))


def test_pieces_of_a_parser_composed_in_python_are_named_by_their_classes() -> None:
    class OwnHead(nn.Module):
        pass

    built = tiny_parser()
    parser = SceneParser(built.backbone, list(built.path), [OwnHead()], taxonomy=TAXONOMY)
    with pytest.raises(BadInput, match="but got the head OwnHead"):
        exported(parser)


def test_more_weights_than_one_file_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_refusals, "MAX_WEIGHT_BYTES", 1000)
    with pytest.raises(BadInput, match="must fit into one ONNX file of 1e-06 GB, but got"):
        exported(tiny_parser())


def test_a_prediction_without_class_scores_is_refused() -> None:
    with pytest.raises(BadInput, match="must give class scores for all pixels, but got dict"):
        batch_scores({})


def test_what_is_not_in_the_file_is_listed() -> None:
    assert left_out(tiny_parser()) == []
    assert left_out(tiny_perceptual_parser()) == ["parts", "materials", "textures", "scenes"]
    assert left_out(tiny_parser(heads=[{"head": "pixel_classes"}, {"head": "pixel_classes"}])) == [
        "the head pixel_classes"
    ]
