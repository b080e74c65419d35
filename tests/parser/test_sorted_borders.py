"""Borders of sorted segments: bilinear shares of every group, without a map for each."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_parser import random_image
from tiny_sorting_parser import tiny_sorting_parser
from torch.utils._python_dispatch import TorchDispatchMode

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.sorting_parsing import groups_of, sorted_image


class LargestTensor(TorchDispatchMode):
    """Of all results of operations."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple) else (result,):
            if isinstance(one, torch.Tensor):
                self.numel = max(self.numel, one.numel())
        return result


@pytest.mark.parametrize("size", [(96, 128), (61, 83), (240, 320)], ids=str)
@torch.inference_mode()
def test_as_with_one_map_a_group(size: tuple[int, int]) -> None:
    parser = tiny_sorting_parser(grid=[9, 9], merge_from=1.1)
    answers = plain_answers(parser, random_image(*size, seed=3))
    groups = groups_of(parser, answers, size)
    group_hw = groups.group_S[answers.prediction(SegmentSortingPrediction).segment_Bhw[0]]
    share_Ghw = F.one_hot(group_hw, len(groups.class_G)).permute(2, 0, 1).float()
    wanted_HW = labels_of_scores(share_Ghw, size, are_logits=False)
    found = sorted_image(parser, answers, size, with_confidence=False)
    assert len(groups.class_G) > 20
    np.testing.assert_array_equal(found.semantic_HW, groups.class_G.numpy()[wanted_HW])
    np.testing.assert_array_equal(found.instances_HW, groups.instance_G.numpy()[wanted_HW])


@torch.inference_mode()
def test_memory_does_not_grow_with_cells_times_groups() -> None:
    parser, size = tiny_sorting_parser(grid=[20, 20], split_below=0.0, merge_from=1.1), (384, 512)
    answers = plain_answers(parser, random_image(*size, seed=4))
    num_cells = answers.prediction(SegmentSortingPrediction).segment_Bhw.numel()
    num_groups = len(groups_of(parser, answers, size).class_G)
    assert num_groups > 50
    with LargestTensor() as largest:
        sorted_image(parser, answers, size, with_confidence=True)
    assert largest.numel < num_cells * num_groups / 4
