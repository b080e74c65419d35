"""MaskFormer keeps the contract of heads; its parts do what the paper says. Equality with transformers: see
tests/parser/test_hugging_face_equality.py."""

from typing import Any

import torch
from head_contract import LAYOUTS, MaskHeadContract
from stage_contract import random_features

from mereo.features.feature_maps import Frame
from mereo.heads.maskformer import MaskFormer


class TestMaskFormer(MaskHeadContract):
    config: dict[str, Any] = {
        "head": "maskformer",
        "width": 16,
        "num_queries": 5,
        "num_layers": 2,
        "num_heads": 2,
        "inner_width": 24,
    }
    num_earlier = 1


def test_a_last_map_of_the_right_width_is_taken_as_it_is() -> None:
    head = MaskFormer(LAYOUTS["one map"], num_classes=3, width=8, num_heads=2, num_layers=1)
    assert isinstance(head.project, torch.nn.Identity)


def test_dropout_is_for_training_alone() -> None:
    torch.manual_seed(0)
    head = MaskFormer(LAYOUTS["stride 32"], num_classes=3, width=16, num_heads=2, num_layers=1, dropout=0.5)
    features = random_features(LAYOUTS["stride 32"], (32, 32))
    first, second = (head.train()(features, Frame((32, 32))).class_logits_BQK1 for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (head.eval()(features, Frame((32, 32))).class_logits_BQK1 for _ in range(2))
    assert torch.equal(first, second)
