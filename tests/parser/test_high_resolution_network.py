"""HRNet under a pyramid of answers, as its paper has it: all branches at stride 4, cells of 32, 16, 8 and 4 pixels."""

import timm
import torch
from tiny_parser import TAXONOMY, random_image

from mereo.data.batches import Batch
from mereo.features.concatenated_levels import ConcatenatedLevels
from mereo.features.feature_maps import FeatureLayout
from mereo.parser.config import ParserConfig
from mereo.parser.objective import SemanticPyramidLossConfig, build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

SMALL_HEAD = {"head": "semantic_pyramid", "width": 8, "key_width": 4, "unity_width": 4}


def high_resolution_parser() -> SceneParser:
    content = {
        "backbone": {"name": "hrnet_w18_small"},
        "path": [{"stage": "concatenated_levels"}],
        "heads": [SMALL_HEAD],
    }
    torch.manual_seed(0)
    return validated(ParserConfig, content, source="a test").build(TAXONOMY)


def test_the_large_network_has_the_papers_channels() -> None:
    info = timm.create_model("hrnet_w48", features_only=True, feature_location="").feature_info
    layout = FeatureLayout(tuple(info.channels()), tuple(info.reduction()))
    assert ConcatenatedLevels(layout).layout == FeatureLayout((720,), (4,))


def test_it_trains_and_parses_at_odd_sizes() -> None:
    parser = high_resolution_parser()
    assert parser.path[0].layout == FeatureLayout((16 + 32 + 64 + 128,), (4,))
    assert parser.heads[0].cell_sizes == (32, 16, 8, 4)
    label_BHW = torch.randint(0, 3, (1, 40, 56), generator=torch.Generator().manual_seed(0))
    batch = Batch(("a",), torch.zeros(1, 3, 40, 56).byte(), semantic_BHW=label_BHW)
    loss = build_objective((SemanticPyramidLossConfig(),), parser)(parser.train()(batch.image_BCHW), batch).total
    loss.backward()
    reached = [p.grad for p in parser.backbone.parameters() if p.grad is not None]
    assert reached and all(gradient.isfinite().all() for gradient in reached)
    parse = parser.eval().parse(random_image(37, 61))
    assert parse.semantic.shape == (37, 61) and parse.answer_level is not None
