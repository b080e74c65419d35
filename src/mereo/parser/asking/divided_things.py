"""Things told apart by sorted segments where another head says the classes: a parser with both has both answers, and
they agree pixel by pixel. Segments are cut where the class changes, as by the labels in training, and then merged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from mereo.assembly.sorted_segments import SegmentGroups, grouped_segments
from mereo.heads.segment_sorting import SegmentSorting, SegmentSortingPrediction
from mereo.parser.asking.segment_parsing import segment_rule_of
from mereo.parser.asking.sorting_parsing import SortedImage, seeds_among, sorts_segments
from mereo.regions.nearest_places import at_size, nearest_places
from mereo.regions.segment_means import mean_over_segments
from mereo.regions.unit_sphere_segments import segment_sums

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


def has_sorted_segments(parser: "SceneParser") -> bool:
    """Whether any head sorts segments, be it the one that says the classes or another."""
    return bool(parser.heads_of(SegmentSorting))


def divides_things(parser: "SceneParser") -> bool:
    """Whether another head says the classes of the parser's answer, and sorted segments tell its things apart."""
    is_divided = has_sorted_segments(parser) and not sorts_segments(parser)
    return is_divided and segment_rule_of(parser) is None  # Queries tell things apart themselves.


@dataclass(frozen=True, eq=False)
class ClassPieces:
    """Of the first image: the piece of every cell (what a segment has of one class), of every piece its class and the
    sum of its embeddings, and what the pieces become."""

    piece_hw: Tensor
    class_S: Tensor
    embedding_sum_SD: Tensor
    is_seed_S: Tensor | None
    groups: SegmentGroups


def divided_image(parser: "SceneParser", answers: "SceneAnswers", semantic_HW: np.ndarray) -> SortedImage:
    """`semantic_HW`, at the photograph's size, stays as it is; its things get instances, all its segments vectors."""
    embedding_Dhw = answers.prediction(SegmentSortingPrediction).embedding_BDhw[0].float()
    instances_HW = None
    if any(parser.taxonomy.is_thing):
        pieces = class_pieces(parser, answers, semantic_HW)
        class_hw = pieces.class_S[pieces.piece_hw].cpu().numpy()
        instance_hw = pieces.groups.instance_G[pieces.groups.group_S[pieces.piece_hw]].int().cpu().numpy()
        instances_HW = _on_pixels(instance_hw, class_hw, semantic_HW, parser.taxonomy.is_thing)
    keys, number_HW = _segments(semantic_HW, instances_HW)
    mean_ND = mean_over_segments(embedding_Dhw.cpu().numpy(), number_HW, len(keys))
    vector_ND = F.normalize(torch.from_numpy(mean_ND), dim=1).float().numpy()
    return SortedImage(semantic_HW, instances_HW, None, dict(zip(keys, vector_ND)), len(embedding_Dhw))


def class_pieces(parser: "SceneParser", answers: "SceneAnswers", semantic_HW: np.ndarray) -> ClassPieces:
    """Segments cut where the class of the nearest pixel of `semantic_HW` changes, and then grouped."""
    prediction, num_classes = answers.prediction(SegmentSortingPrediction), parser.taxonomy.num_objects
    segment_hw = prediction.segment_Bhw[0]
    height, width = segment_hw.shape
    class_hw = torch.from_numpy(at_size(semantic_HW, (height, width)).astype(np.int64)).to(segment_hw.device)
    key_S, piece_hw = torch.unique(segment_hw * num_classes + class_hw, return_inverse=True)
    sum_SD = segment_sums(prediction.embedding_BDhw[0].float().flatten(1).T, piece_hw.flatten(), len(key_S))
    is_seed_S = seeds_among(parser, answers, piece_hw, len(key_S))
    groups = grouped_segments(
        sum_SD,
        F.one_hot(key_S % num_classes, num_classes).float(),
        torch.bincount(piece_hw.flatten(), minlength=len(key_S)),
        is_thing=parser.taxonomy.is_thing,
        threshold=prediction.rule.threshold,
        is_seed_S=is_seed_S,
    )
    return ClassPieces(piece_hw, key_S % num_classes, sum_SD, is_seed_S, groups)


def _on_pixels(
    instance_hw: np.ndarray, class_hw: np.ndarray, semantic_HW: np.ndarray, is_thing: tuple[bool, ...]
) -> np.ndarray:
    """A pixel of a thing belongs to the instance of the nearest cell of its class. A thing that is too small for any
    cell is an instance by itself."""
    rows_H, columns_W = (nearest_places(seen, side) for seen, side in zip(class_hw.shape, semantic_HW.shape))
    instances_HW = np.zeros(semantic_HW.shape, dtype=np.int32)
    next_id = int(instance_hw.max()) + 1
    boxes = ndimage.find_objects(semantic_HW.astype(np.int32) + 1, max_label=len(is_thing))
    for index, box in enumerate(boxes):
        if box is None or not is_thing[index]:
            continue
        is_class_HW = semantic_HW[box] == index
        if (class_hw == index).any():
            nearest_2hw = ndimage.distance_transform_edt(class_hw != index, return_distances=False, return_indices=True)
            nearest_hw = instance_hw[tuple(nearest_2hw)]
            found_HW = nearest_hw[rows_H[box[0]][:, None], columns_W[box[1]]]
        else:
            found_HW, next_id = np.full(is_class_HW.shape, next_id, dtype=np.int32), next_id + 1
        instances_HW[box] += np.where(is_class_HW, found_HW, 0)
    return instances_HW


def _segments(semantic_HW: np.ndarray, instances_HW: np.ndarray | None) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Class and instance of every segment of a parse, and the number of the segment of every pixel."""
    num_ids = 1 if instances_HW is None else int(instances_HW.max()) + 1
    key_HW = semantic_HW.astype(np.int64) * num_ids
    if instances_HW is not None:
        key_HW += instances_HW
    area = np.bincount(key_HW.ravel())
    present = np.flatnonzero(area)
    number_of_key = np.zeros(len(area), dtype=np.int32)
    number_of_key[present] = np.arange(len(present))
    return [divmod(int(key), num_ids) for key in present], number_of_key[key_HW]
