"""Class affinity: settings that say nothing beside each other are refused, and so are counts of other classes."""

from typing import Any

import pytest
import torch
from test_class_affinity import COUNTS_KK, LAYOUT, affinity_stage

from mereo.errors import BadInput
from mereo.reasoning.class_affinity import ClassAffinityConfig
from mereo.strict_yaml import validated


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"counts": "nowhere.safetensors"}, "counts must be left out where edges are learned, but got 'nowhere.safete"),
        ({"normalise": "source"}, "normalise must be target where edges are learned, but got 'source'; use edges=cou"),
    ],
    ids=["counts", "normalise"],
)
def test_learned_edges_take_nothing_of_counted_ones(setting: dict[str, Any], message: str) -> None:
    content = {"stage": "class_affinity", "edges": "learned"}
    with pytest.raises(BadInput, match=message):
        validated(ClassAffinityConfig, content | setting, source="a test")
    # As a resolved recipe has it: every key, with its default.
    config = validated(ClassAffinityConfig, ClassAffinityConfig(edges="learned").model_dump(), source="a test")
    assert config.counts is None and config.normalise == "target"


@pytest.mark.parametrize("edges", ["counted", "learned"])
def test_suppression_is_shared_among_the_regions_present(edges: str) -> None:
    names = ["a", "b", "c", "d"]
    alone = ClassAffinityConfig(edges=edges).build(LAYOUT, names)
    shared = ClassAffinityConfig(edges=edges, shares_suppression=True).build(LAYOUT, names)
    is_present_BK = torch.tensor([[True, True, False, True], [False, False, True, False]])
    positive_BKK, negative_BKK = alone.edges_between(is_present_BK, dtype=torch.float64)
    shared_positive_BKK, shared_negative_BKK = shared.edges_between(is_present_BK, dtype=torch.float64)
    assert torch.equal(shared_positive_BKK, positive_BKK)
    torch.testing.assert_close(shared_negative_BKK, negative_BKK / torch.tensor([3.0, 1.0]).view(2, 1, 1))


@pytest.mark.parametrize("counts", [None, torch.zeros(3, 3), torch.tensor([[5]]), torch.zeros(4)], ids=str)
def test_counted_edges_want_counts(counts: torch.Tensor | None) -> None:
    wanted = "counted edges must have one count for every two of 4 classes, but got"
    with pytest.raises(BadInput, match=wanted):
        affinity_stage(cooccurrence_KK=counts)
    if counts is not None:
        stage = affinity_stage()
        with pytest.raises(BadInput, match=wanted):
            stage.take_counts(counts)
        assert torch.equal(stage.cooccurrence_KK, COUNTS_KK)
