"""A parser's backbone and path under Mask R-CNN: the same features, the same normalisation, torchvision's answers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_instance_parser import (
    AFFINITY,
    PROJECTION,
    THINGS,
    tiny_instance_config,
    tiny_instance_parser,
    tiny_source,
)
from tiny_parser import TAXONOMY, random_image, tiny_parser
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from mereo.data.batches import Batch
from mereo.data.instances import instance_targets
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.heads.mask_rcnn import PyramidMaps
from mereo.parser.instances.instance_files import load_instance_parser, save_instance_parser
from mereo.parser.instances.instance_objective import InstanceObjective
from mereo.parser.instances.instance_parser import InstanceParser, features_of
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, save_parser

PATHS = {"nothing": (), "projection": (PROJECTION,), "reasoner": (PROJECTION, AFFINITY)}


def image_of(height: int, width: int, *, seed: int = 0) -> Tensor:
    return torch.from_numpy(random_image(height, width, seed=seed)).permute(2, 0, 1)[None]


def batch_of(height: int, width: int) -> Batch:
    """Two images: one with a box and a ball, one with nothing."""
    semantic_BHW = torch.zeros(2, height, width, dtype=torch.int32)
    instances_BHW = torch.zeros_like(semantic_BHW)
    for number, (rows, columns) in enumerate([(slice(4, 30), slice(4, 28)), (slice(20, 60), slice(32, 60))], start=1):
        semantic_BHW[0, rows, columns] = number
        instances_BHW[0, rows, columns] = number
    image_BCHW = torch.cat([image_of(height, width), image_of(height, width, seed=1)])
    return Batch(("a", "b"), image_BCHW, semantic_BHW=semantic_BHW, instances_BHW=instances_BHW)


@pytest.mark.parametrize("path", sorted(PATHS))
@torch.no_grad()
def test_the_features_are_those_of_the_parsers_own_path(path: str) -> None:
    source = tiny_source(*PATHS[path])
    parser = tiny_instance_parser(source)
    image_BCHW = image_of(50, 70)
    ours, theirs = parser(image_BCHW), source(image_BCHW)
    assert ours.features.strides == theirs.features.strides
    assert all(torch.equal(one, other) for one, other in zip(ours.features.maps, theirs.features.maps))
    assert len(ours.evidence) == len(theirs.evidence) == (path == "reasoner")
    # And they are what the pyramid sees, the path's own map as the last of stride 16.
    seen: list[dict[str, Tensor]] = []
    assert parser.mask_rcnn.pyramid.network is not None
    parser.mask_rcnn.pyramid.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    parser(image_BCHW)
    maps = list(seen[0].values())
    assert len(maps) == 3 and torch.equal(maps[-1], theirs.features.last)
    assert torch.equal(maps[0], theirs.features.maps[1]) and torch.equal(maps[1], theirs.features.maps[2])


class AsTorchvisionWants(nn.Module):
    """Our backbone, path and pyramid as a backbone of torchvision's: a normalised image -> named maps."""

    def __init__(self, parser: InstanceParser) -> None:
        super().__init__()
        self.parser = parser

    def forward(self, image_BCHW: Tensor) -> dict[str, Tensor]:
        features: FeatureMaps = self.parser.backbone(image_BCHW)
        for stage in self.parser.path:
            features = stage(features, Frame((image_BCHW.shape[2], image_BCHW.shape[3])))
        return self.parser.mask_rcnn.pyramid(features)


def torchvisions(parser: InstanceParser, side: int) -> GeneralizedRCNN:
    """The whole detector as torchvision runs it, with its own transform, around the same parts."""
    mean, std = parser.preprocessing.mean, parser.preprocessing.std
    transform = GeneralizedRCNNTransform(side, side, list(mean), list(std), size_divisible=64)
    head = parser.mask_rcnn
    return GeneralizedRCNN(AsTorchvisionWants(parser), head.proposals, head.regions, transform)


def test_answers_and_losses_are_torchvisions() -> None:
    """At a size where torchvision neither resizes nor pads, its own detector around our parts says the same."""
    parser = tiny_instance_parser(tiny_source(PROJECTION, AFFINITY), lowest_score=0.0)
    batch = batch_of(64, 64)
    whole = torchvisions(parser, 64)
    images = [image / 255 for image in batch.image_BCHW]
    whole.eval()
    with torch.no_grad():
        theirs = whole(images)
        ours = parser.mask_rcnn.detections(parser(batch.image_BCHW).prediction(PyramidMaps))
    for mine, other in zip(ours, theirs):
        assert len(mine.score_N) > 5 and torch.equal(mine.label_N + 1, other["labels"])
        torch.testing.assert_close(mine.score_N, other["scores"], atol=1e-5, rtol=0)
        torch.testing.assert_close(mine.boxes_N4, other["boxes"], atol=1e-3, rtol=0)
    parser.train()
    torch.manual_seed(3)  # Which proposals are sampled.
    losses = InstanceObjective(parser)(parser(batch.image_BCHW), batch)
    targets = []
    for semantic_HW, instances_HW in zip(batch.required("semantic_BHW"), batch.required("instances_BHW")):
        target = instance_targets(semantic_HW, instances_HW, (1, 2))
        targets.append({"boxes": target.boxes_N4, "labels": target.label_N + 1, "masks": target.mask_NHW.byte()})
    whole.train()
    parser.train()  # Frozen norms are ours: torchvision's `train` would start them again.
    whole.transform.eval()  # In training it draws one of its sizes for each image: other proposals are then sampled.
    torch.manual_seed(3)
    expected = whole(images, targets)
    assert len(losses.terms) == len(expected) == 5
    torch.testing.assert_close(losses.total, torch.stack(list(expected.values())).sum(), atol=1e-4, rtol=0)


@torch.no_grad()
def test_normalisation_is_the_parsers_own() -> None:
    """Pixels 0..255 in; another mean gives other features, torchvision's own mean is nowhere."""
    source = tiny_source(PROJECTION)
    parser = tiny_instance_parser(source)
    assert parser.preprocessing.mean == (0.3, 0.4, 0.5) == source.preprocessing.mean
    image_BCHW = image_of(32, 32)
    mean_311 = torch.tensor([0.3, 0.4, 0.5]).view(3, 1, 1) * 255
    std_311 = torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1) * 255
    expected = source.backbone((image_BCHW.float() - mean_311) / std_311)
    assert torch.equal(parser(image_BCHW).backbone_features.last, expected.last)


def test_frozen_norms_stay_as_they_are() -> None:
    source = tiny_source(PROJECTION)
    parser = tiny_instance_parser(source)
    before = {name: value.clone() for name, value in parser.state_dict().items() if "running_" in name}
    parser.train()
    assert parser.training and parser.mask_rcnn.training and not any(norm.training for norm in parser.frozen_norms())
    parser(image_of(32, 32))
    assert len(before) > 10 and all(torch.equal(value, parser.state_dict()[name]) for name, value in before.items())
    free = tiny_instance_parser(tiny_source(PROJECTION))
    free.has_frozen_norms = False
    free.train()
    free(image_of(32, 32))
    assert any(not torch.equal(value, free.state_dict()[name]) for name, value in before.items())


def test_gradients_reach_backbone_and_path_but_no_frozen_norm() -> None:
    parser = tiny_instance_parser(tiny_source(PROJECTION)).train()
    batch = batch_of(64, 64)
    InstanceObjective(parser)(parser(batch.image_BCHW), batch).total.backward()
    with_gradient = {name for name, parameter in parser.named_parameters() if parameter.grad is not None}
    frozen = {id(parameter) for norm in parser.frozen_norms() for parameter in norm.parameters()}
    names = {name for name, parameter in parser.named_parameters() if id(parameter) not in frozen}
    assert with_gradient == names and any(name.startswith("path") for name in names)


def test_batches_without_instances_are_refused() -> None:
    parser = tiny_instance_parser().train()
    batch = Batch(("a",), image_of(32, 32), semantic_BHW=torch.zeros(1, 32, 32, dtype=torch.int32))
    with pytest.raises(BadInput, match="must have instances_BHW in every sample, but got none"):
        InstanceObjective(parser)(parser(batch.image_BCHW), batch)


@pytest.mark.parametrize("size", [(1, 1), (33, 9), (70, 120)])
def test_detections_come_at_the_photographs_size(size: tuple[int, int]) -> None:
    parser = tiny_instance_parser(working_side=64, lowest_score=0.0)
    found = parser.detect(random_image(*size))
    assert found.size == size and all(runs.size == size for runs in found.masks)
    height, width = size
    assert (found.boxes_N4 >= 0).all() and (found.boxes_N4 <= np.array([width, height, width, height]) + 1e-3).all()
    assert not parser.training
    again = parser.train().detect(random_image(*size))
    assert parser.training and np.array_equal(again.score_N, found.score_N)


def test_masks_lie_in_their_boxes() -> None:
    parser = tiny_instance_parser(working_side=48, lowest_score=0.0)
    found = parser.detect(random_image(60, 80))
    assert len(found) > 5
    num_pixels = 0
    for box_4, runs in zip(found.boxes_N4, found.masks):
        rows, columns = np.nonzero(runs.mask_HW())
        num_pixels += len(rows)
        if len(rows):
            # torchvision pastes into a box that is wider by one mask pixel on each side.
            wide = np.ceil((box_4[2:] - box_4[:2]) / 28) + 2
            assert columns.min() >= box_4[0] - wide[0] and columns.max() <= box_4[2] + wide[0]
            assert rows.min() >= box_4[1] - wide[1] and rows.max() <= box_4[3] + wide[1]
    assert num_pixels > 0


def test_bad_images_and_parts_are_refused() -> None:
    parser = tiny_instance_parser()
    with pytest.raises(BadInput, match=r"H x W x 3 uint8 with pixels in it, but got \(4, 4\) uint8 in x; convert"):
        parser.detect(np.zeros((4, 4), np.uint8), name="x")
    source = tiny_source(PROJECTION)
    nameless = SceneParser(source.backbone, [nn.Identity()], list(source.heads), taxonomy=TAXONOMY)
    with pytest.raises(BadInput, match="must say in `layout` which maps it gives, but got none from Identity"):
        features_of(nameless)
    parser.heads = nn.ModuleList(source.heads)
    with pytest.raises(BadInput, match="an instance parser's head must be MaskRcnn, but got PixelClasses"):
        _ = parser.mask_rcnn


def saved(folder: Path) -> tuple[InstanceParser, Path]:
    source = tiny_source(PROJECTION, AFFINITY)
    parser = tiny_instance_parser(source, working_side=40, lowest_score=0.0)
    path = save_instance_parser(
        parser,
        folder / "i.safetensors",
        config=tiny_instance_config(source, working_side=40, lowest_score=0.0),
        features_taxonomy=source.taxonomy,
    )
    return parser, path


def test_a_file_holds_all_of_it(tmp_path: Path) -> None:
    """The reasoner keeps its own three classes although the things are two others."""
    parser, path = saved(tmp_path)
    loaded = load_instance_parser(path)
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in parser.state_dict().items())
    assert loaded.taxonomy == THINGS and loaded.preprocessing == parser.preprocessing and not loaded.training
    image = random_image(50, 60)
    mine, theirs = parser.detect(image), loaded.detect(image)
    assert len(mine) and np.array_equal(mine.score_N, theirs.score_N)
    assert np.array_equal(mine.boxes_N4, theirs.boxes_N4)


def test_weights_that_loading_refuses_are_not_saved(tmp_path: Path) -> None:
    source = tiny_source(PROJECTION)
    parser = tiny_instance_parser(source)
    name, weight = next((name, value) for name, value in parser.named_parameters() if name.startswith("heads.0."))
    torch.nn.init.constant_(weight, torch.nan)
    with pytest.raises(BadInput, match=f"weights must be finite to be saved, but got NaN or inf.* at {name} as torch"):
        save_instance_parser(
            parser,
            tmp_path / "i.safetensors",
            config=tiny_instance_config(source),
            features_taxonomy=source.taxonomy,
        )
    assert not list(tmp_path.iterdir())


def test_the_two_kinds_of_file_are_told_apart(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    with pytest.raises(BadInput, match=r"must be one that Mereo saved \(mereo-parser-1\), but got other content"):
        load(path)
    with pytest.raises(BadInput, match=r"must be one that Mereo saved \(mereo-instances-1\), but got other content"):
        load_instance_parser(save_parser(tiny_parser(), tmp_path / "p.safetensors"))
