"""Levels over a data set, against confusion matrices of what the parser answers pixel by pixel."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_token_evaluation import Samples
from tiny_parser import TAXONOMY, random_image, taxonomy_of, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser

from mereo.data.sample import Sample, as_image, as_mask
from mereo.errors import BadInput
from mereo.evaluation.evaluate import evaluate, pixels_of
from mereo.evaluation.level_evaluation import evaluate_levels
from mereo.evaluation.level_measures import LevelMeasures
from mereo.metrics.boundary_band import boundary_band
from mereo.metrics.confusion import confusion_matrix, iou_per_class, mean_iou
from mereo.parser.asking.pyramid_levels import level_answers_of
from mereo.regions.nearest_places import at_size


def sample(seed: int, size: tuple[int, int] = (61, 83)) -> Sample:
    label_HW = np.full(size, 2)
    label_HW[:, : 20 + seed], label_HW[: 5 + seed] = seed % 2, 1
    label_HW[-4:] = 255
    return Sample(name=f"s{seed}", image_CHW=as_image(random_image(*size, seed=seed)), semantic_HW=as_mask(label_HW))


SAMPLES = Samples(sample(0), sample(1, (40, 96)), sample(2), taxonomy=TAXONOMY)


def concatenated(*maps: np.ndarray) -> np.ndarray:
    """Pixels of all images in one row."""
    return np.concatenate([one.ravel() for one in maps])[None]


def test_of_all_pixels_and_near_borders() -> None:
    parser = tiny_parser()
    seen: list[tuple[int, int]] = []
    found = evaluate_levels(parser, SAMPLES, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)] and found.num_images == 3 and found.pyramid is None
    plain = evaluate(parser, SAMPLES)
    assert found.mean_iou == plain.mean_iou
    np.testing.assert_array_equal(found.all_counts_K3, plain.region_counts_K3)
    label_HW = concatenated(*(np.asarray(one.semantic_HW) for one in SAMPLES.samples))
    near_HW = concatenated(*(boundary_band(np.asarray(one.semantic_HW), ignore_index=255) for one in SAMPLES.samples))
    answer_HW = concatenated(*(parser.parse(pixels_of(one)).semantic for one in SAMPLES.samples))
    matrix_KK = confusion_matrix(label_HW[near_HW][None], answer_HW[near_HW][None], num_classes=3, ignore_index=255)
    assert found.band_mean_iou == pytest.approx(mean_iou(matrix_KK))
    assert found.summary()["cells_per_image"] is None and "pixel_shares" not in found.summary()


def test_of_levels() -> None:
    parser = tiny_pyramid_parser().train()
    found = evaluate_levels(parser, SAMPLES)
    assert parser.training
    parser.eval()
    answers = [level_answers_of(parser, pixels_of(one)) for one in SAMPLES.samples]
    labels = [np.asarray(one.semantic_HW) for one in SAMPLES.samples]
    label_HW = concatenated(*labels)
    level_HW = concatenated(*(at_size(one.level_hw, map_HW.shape) for one, map_HW in zip(answers, labels)))
    pyramid = found.pyramid
    assert pyramid is not None and pyramid.cell_sizes == (32, 16, 8, 4)
    by_level = [
        concatenated(*(at_size(one.class_per_level[n], map_HW.shape) for one, map_HW in zip(answers, labels)))
        for n in range(4)
    ]
    for assigned in range(4):
        for answering in range(4):
            group_HW = np.where(level_HW == assigned, label_HW, 255)
            matrix_KK = confusion_matrix(group_HW, by_level[answering], num_classes=3, ignore_index=255)
            assert pyramid.mean_iou_LL[assigned, answering] == pytest.approx(mean_iou(matrix_KK), nan_ok=True)
        alone_KK = confusion_matrix(label_HW, by_level[assigned], num_classes=3, ignore_index=255)
        np.testing.assert_allclose(pyramid.level_iou_LK[assigned], iou_per_class(alone_KK))
    fused_KK = confusion_matrix(label_HW, np.choose(level_HW, by_level), num_classes=3, ignore_index=255)
    np.testing.assert_allclose(pyramid.fused_iou_K, iou_per_class(fused_KK))
    assert pyramid.pixel_shares == pytest.approx([float((level_HW == n).mean()) for n in range(4)])
    cells = sum(sum(one.speaking_cells) for one in answers)
    assert found.cells_per_image == pytest.approx(cells / 3)
    assert found.share_of_finest_cells == pytest.approx(cells / sum(one.level_hw.size for one in answers))
    assert found.pixels_per_cell == pytest.approx(label_HW.size / cells)


def test_a_level_that_nobody_is_assigned_to_has_no_value() -> None:
    found = evaluate_levels(tiny_pyramid_parser(threshold=0.0), SAMPLES)
    assert found.pyramid is not None and found.pyramid.pixel_shares == [1.0, 0.0, 0.0, 0.0]
    table = found.summary()["mean_iou_by_assigned_and_answering_level"]
    assert table[1:] == [[None] * 4] * 3 and None not in table[0]


def test_images_in_another_order_have_the_same_counts() -> None:
    parser = tiny_pyramid_parser()
    turned = Samples(*reversed(SAMPLES.samples), taxonomy=TAXONOMY)
    assert evaluate_levels(parser, SAMPLES).summary() == evaluate_levels(parser, turned).summary()


def test_no_samples_and_other_classes() -> None:
    with pytest.raises(BadInput, match="samples must hold at least one image, but got none"):
        evaluate_levels(tiny_parser(), Samples(taxonomy=TAXONOMY))
    with pytest.raises(BadInput, match="parser and data must have the same classes"):
        evaluate_levels(tiny_parser(), Samples(sample(0), taxonomy=taxonomy_of("a")))


def test_nothing_near_a_border() -> None:
    nothing = np.zeros((3, 3), dtype=np.int64)
    measures = LevelMeasures(("a", "b", "c"), 1, nothing + 4, nothing)
    assert measures.band_mean_iou is None and measures.mean_iou == 1.0
