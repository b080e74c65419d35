"""A head and a prediction that only this file knows: a photograph is parsed end to end, in every way."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tiny_parser import TAXONOMY, random_image
from tiny_sorting_parser import HEAD as SORTING
from tiny_sorting_parser import STREET
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.features.timm_backbone import TimmBackbone
from mereo.heads.class_scores import ClassScores
from mereo.heads.segment_sorting import SegmentSortingConfig
from mereo.parser.asking.image_scores import answering_head
from mereo.parser.asking.segment_parsing import segment_rule_of
from mereo.parser.asking.sorting_parsing import sorts_segments
from mereo.parser.export.exported_scores import ExportedScores, batch_scores, gives_probabilities
from mereo.parser.export.refusals import require_exportable
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

IMAGE_HWC = random_image(45, 70)
BACKBONE = "test_resnet"


@dataclass(frozen=True)
class NearestColours:
    """How near each cell is to each class: shares that sum to 1."""

    share_BKhw: Tensor
    level_Bhw: Tensor

    def class_scores(self) -> ClassScores:
        return ClassScores(self.share_BKhw, are_probabilities=True, level_Bhw=self.level_Bhw)


class NearestColoursHead(nn.Module):
    says_classes = True

    def __init__(self, channels: int, *, num_classes: int, size_multiple: int = 1) -> None:
        super().__init__()
        self.classify = nn.Conv2d(channels, num_classes, kernel_size=1)
        nn.init.normal_(self.classify.weight, std=50)
        self.size_multiple = size_multiple

    def forward(self, features: FeatureMaps, frame: Frame) -> NearestColours:
        # Without the mean an untrained network would say one class everywhere.
        share_BKhw = self.classify(features.last - features.last.mean(dim=(2, 3), keepdim=True)).softmax(dim=1)
        return NearestColours(share_BKhw, torch.zeros_like(share_BKhw[:, 0], dtype=torch.long))


class NothingToSay(nn.Module):
    """Its prediction is of no class."""

    def forward(self, features: FeatureMaps, frame: Frame) -> dict[str, Tensor]:
        return {"mean": features.last.mean()}


def parser_with_own_head(
    *others: nn.Module, taxonomy: Taxonomy = TAXONOMY, size_multiple: int = 1, is_first: bool = True
) -> SceneParser:
    torch.manual_seed(0)
    backbone = TimmBackbone(BACKBONE)
    head = NearestColoursHead(
        backbone.layout.channels[-1], num_classes=taxonomy.num_objects, size_multiple=size_multiple
    )
    heads = [head, *others] if is_first else [*others, head]
    return SceneParser(backbone, [], heads, taxonomy=taxonomy).eval()


@pytest.mark.parametrize("options", [{}, {"flip": True}, {"scales": (0.5, 1.0)}, {"tile": 64}], ids=str)
def test_a_photograph_is_parsed(options: dict[str, object]) -> None:
    parse = parser_with_own_head().parse(IMAGE_HWC, with_confidence=True, **options)
    assert parse.semantic.shape == (45, 70) and len(parse.names_found) > 1
    # Of three probabilities that were taken for logits none would be more than 0.58.
    assert parse.confidence is not None and 0.6 < parse.confidence.max() <= 1
    assert (parse.answer_level is not None) == (options == {}), "one plain pass says which level spoke"


def test_heads_that_say_nothing_are_passed_over() -> None:
    first, behind = parser_with_own_head(), parser_with_own_head(NothingToSay(), is_first=False)
    np.testing.assert_array_equal(first.parse(IMAGE_HWC).semantic, behind.parse(IMAGE_HWC).semantic)
    assert answering_head(behind) is behind.heads[1]


def test_of_a_parser_without_classes_the_error_says_what_is_missing() -> None:
    parser = SceneParser(TimmBackbone(BACKBONE), [], [NothingToSay()], taxonomy=TAXONOMY)
    with pytest.raises(
        BadInput, match=r"a parser must have a head whose prediction has class_scores\(\), but got dict"
    ):
        parser.parse(IMAGE_HWC)


def test_sides_are_brought_to_the_multiple_that_the_head_wants() -> None:
    parser = parser_with_own_head(size_multiple=48)
    assert parser.size_multiple == 48
    (prediction,) = parser(torch.zeros(1, 3, 45, 100)).predictions
    stride = parser.backbone.layout.strides[-1]
    assert prediction.share_BKhw.shape[-2:] == (-(-48 // stride), -(-96 // stride))


def test_an_own_head_before_sorted_segments_answers_and_they_tell_things_apart() -> None:
    sorting = validated(SegmentSortingConfig, SORTING, source="a test").build(TimmBackbone(BACKBONE).layout, STREET)
    parser, alone = parser_with_own_head(sorting, taxonomy=STREET), parser_with_own_head(taxonomy=STREET)
    assert answering_head(parser) is parser.heads[0]
    assert not sorts_segments(parser) and segment_rule_of(parser) is None
    parse = parser.parse(IMAGE_HWC)
    np.testing.assert_array_equal(parse.semantic, alone.parse(IMAGE_HWC).semantic)
    assert parse.instances is not None


def test_an_own_head_may_be_exported() -> None:
    parser = parser_with_own_head()
    require_exportable(parser)
    assert gives_probabilities(parser)
    image_BCHW = torch.from_numpy(IMAGE_HWC).permute(2, 0, 1)[None].repeat(2, 1, 1, 1)
    with torch.no_grad():
        wanted_BKhw = batch_scores(parser(image_BCHW).predictions[0]).scores_BKhw
        torch.testing.assert_close(ExportedScores(parser)(image_BCHW), wanted_BKhw)
