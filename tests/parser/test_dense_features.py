"""Which map of a parser says what it knows of each place: that of its own answers, at its working size."""

import numpy as np
import pytest
import torch
from tiny_instance_parser import THINGS, tiny_instance_parser
from tiny_parser import random_image, tiny_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.errors import BadInput
from mereo.heads.mask_rcnn import PyramidMaps
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.dense_features import dense_features
from mereo.parser.two_branches import TwoBranches

IMAGE_HWC = random_image(48, 64)


def test_the_embedding_of_sorted_segments() -> None:
    parser = tiny_sorting_parser(centers={})
    found = dense_features(parser, IMAGE_HWC)
    with torch.no_grad():
        wanted = parser(prepared_image(parser, IMAGE_HWC, (48, 64))).prediction(SegmentSortingPrediction)
    np.testing.assert_array_equal(found.map_Chw, wanted.embedding_BDhw[0].numpy())
    np.testing.assert_allclose(np.linalg.norm(found.map_Chw, axis=0), 1, atol=1e-5)
    assert found.source == "the embedding of segment_sorting"


def test_what_the_classifier_reads() -> None:
    parser = tiny_parser()
    found = dense_features(parser, IMAGE_HWC)
    with torch.no_grad():
        logits_Khw = parser.heads[0].classify(torch.from_numpy(found.map_Chw)[None])[0]
        wanted_Khw = parser(prepared_image(parser, IMAGE_HWC, (48, 64))).predictions[0].logits_BKhw[0]
    torch.testing.assert_close(logits_Khw, wanted_Khw)
    assert found.source == "the last map of the path, which its heads read"


def test_of_two_branches_the_finest_map_of_the_detector() -> None:
    detector = tiny_instance_parser(working_side=32)
    both = TwoBranches(tiny_parser(taxonomy=THINGS), detector)
    found = dense_features(both, IMAGE_HWC)
    with torch.no_grad():
        maps = detector(prepared_image(detector, IMAGE_HWC, (24, 32))).prediction(PyramidMaps).maps
    finest_Chw = max((one[0] for one in maps.values()), key=lambda one: one.shape[-1])
    np.testing.assert_array_equal(found.map_Chw, finest_Chw.numpy())
    assert found.source == "the finest map of the detector's pyramid"


def test_a_parser_without_a_path_and_one_in_training() -> None:
    parser = tiny_parser(path="fcn")
    parser.path = torch.nn.ModuleList()
    parser.heads = torch.nn.ModuleList([torch.nn.Identity()])
    parser.heads[0].forward = lambda features, frame: None  # type: ignore[method-assign]
    parser.train()
    assert dense_features(parser, IMAGE_HWC).source == "the last map of the backbone, which its heads read"
    assert parser.training, "left as it was"


def test_broken_features_and_pictures_are_refused() -> None:
    parser = tiny_parser()
    with torch.no_grad():
        next(parser.path[0].parameters()).fill_(float("nan"))
    with pytest.raises(BadInput, match="features must be finite, but got NaN or infinity in a.jpg"):
        dense_features(parser, IMAGE_HWC, name="a.jpg")
    with pytest.raises(BadInput, match="image"):
        dense_features(tiny_parser(), IMAGE_HWC[..., 0])
