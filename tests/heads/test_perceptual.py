"""The perceptual head: which levels each task sees, the scene's two sources, and tasks by taxonomy."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.perceptual import Perceptual, PerceptualConfig, PerceptualPrediction
from mereo.regions.grouping_hierarchy import GroupingHierarchy
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout(channels=(6, 6, 6), strides=(4, 8, 16))
FRAME = Frame(image_size=(32, 48))
COUNTS = {"num_objects": 5, "num_part_entries": 7, "num_materials": 4, "num_scenes": 3, "num_textures": 2}


def head(seed: int = 0, **changes: Any) -> Perceptual:
    torch.manual_seed(seed)
    built = Perceptual(LAYOUT, **COUNTS, **({"width": 8} | changes)).eval()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def features(seed: int = 0, **evidence: Any) -> FeatureMaps:
    generator = torch.Generator().manual_seed(seed)
    sizes = ((8, 12), (4, 6), (2, 3))
    maps = tuple(torch.randn(2, 6, *size, generator=generator) for size in sizes)
    return FeatureMaps(maps, LAYOUT.strides, **evidence)


def hierarchy(global_BC: torch.Tensor) -> GroupingHierarchy:
    nodes = torch.zeros(2, 1, 8), torch.ones(2, 1, dtype=torch.bool)
    label_BHW = torch.zeros(2, 32, 48, dtype=torch.int32)
    return GroupingHierarchy(label_BHW, (nodes[0],), (nodes[0],), (nodes[1],), (), (), (), global_BC)


def logits(prediction: PerceptualPrediction) -> dict[str, torch.Tensor]:
    names = ("object_logits_BKhw", "part_logits_BKhw", "material_logits_BKhw", "scene_logits_BK", "texture_logits_BKhw")
    return {name: getattr(prediction, name) for name in names}


def test_shapes() -> None:
    found = logits(head()(features(), FRAME))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "object_logits_BKhw": (2, 5, 8, 12),
        "part_logits_BKhw": (2, 7, 8, 12),
        "material_logits_BKhw": (2, 4, 8, 12),
        "scene_logits_BK": (2, 3),
        "texture_logits_BKhw": (2, 2, 8, 12),
    }


@pytest.mark.parametrize("level", [0, 1, 2])
def test_which_level_each_task_sees(level: int) -> None:
    parser_head, given = head(), features()
    maps = list(given.maps)
    maps[level] = maps[level] + 1
    before, after = (logits(parser_head(one, FRAME)) for one in (given, FeatureMaps(tuple(maps), given.strides)))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    fused = {"object_logits_BKhw", "part_logits_BKhw"}
    finest = {"material_logits_BKhw", "texture_logits_BKhw"}
    assert changed == fused | (finest if level == 0 else set()) | ({"scene_logits_BK"} if level == 2 else set())


def test_objects_and_parts_written_out() -> None:
    parser_head, given = head(), features()
    found = parser_head(given, FRAME)
    levels = [F.interpolate(one, size=(8, 12), mode="bilinear", align_corners=False) for one in given.maps]
    norm = parser_head.fuse[1]
    convolved = F.conv2d(torch.cat(levels, dim=1), parser_head.fuse[0].weight, padding=1)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shifted = (convolved - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
    fused = shifted.relu()
    for name, classify in (("object_logits_BKhw", parser_head.object), ("part_logits_BKhw", parser_head.part)):
        wanted = torch.einsum("kc,bchw->bkhw", classify.weight[:, :, 0, 0], fused) + classify.bias[:, None, None]
        torch.testing.assert_close(getattr(found, name), wanted)


def test_the_scene_is_the_projected_mean_plus_the_global_vector() -> None:
    parser_head, given = head(), features()
    global_BC = torch.randn(2, 8, generator=torch.Generator().manual_seed(5))
    projected = given.last.mean(dim=(2, 3)) @ parser_head.project_mean.weight.T + parser_head.project_mean.bias
    for evidence, source in (((), projected), ((hierarchy(global_BC),), projected + global_BC)):
        found = parser_head(FeatureMaps(given.maps, given.strides, evidence), FRAME).scene_logits_BK
        torch.testing.assert_close(found, source @ parser_head.scene.weight.T + parser_head.scene.bias)


def test_global_vectors_of_another_width() -> None:
    with pytest.raises(BadInput, match="global_width must be that of the grouping's global vector, but got 8 for 5; "):
        head()(features(evidence=(hierarchy(torch.zeros(2, 5)),)), FRAME)
    found = head(global_width=5)(features(evidence=(hierarchy(torch.zeros(2, 5)),)), FRAME)
    assert found.scene_logits_BK is not None


def test_the_texture_of_an_image_is_the_classifier_of_its_mean() -> None:
    """One linear layer for both: of the pooled finest level, and of every pixel."""
    parser_head, given = head(), features()
    found = parser_head(given, FRAME).texture_logits_BK
    weight_KC = parser_head.texture.weight[:, :, 0, 0]
    torch.testing.assert_close(found, given.maps[0].mean(dim=(2, 3)) @ weight_KC.T + parser_head.texture.bias)


def built(taxonomy: Taxonomy, **settings: Any) -> Perceptual:
    config = validated(PerceptualConfig, {"width": 8, **settings}, source="a test")
    return config.build(LAYOUT, taxonomy)


def test_tasks_are_those_of_the_taxonomy() -> None:
    only_objects = built(Taxonomy("t", LabelTable(("a", "b"))))(features(), FRAME)
    assert only_objects.object_logits_BKhw.shape[1] == 2
    assert [value for name, value in logits(only_objects).items() if name != "object_logits_BKhw"] == [None] * 4
    assert only_objects.texture_logits_BK is None
    everything = logits(built(drawn_taxonomy())(features(), FRAME))
    assert everything["material_logits_BKhw"].shape[1] == 16 and everything["scene_logits_BK"].shape[1] == 3
    # 37 pairs of an object and one of its parts, and 15 rests.
    pairs = sum(len(owners) for owners in drawn_taxonomy().part_owners)
    owners = {owner for owners in drawn_taxonomy().part_owners for owner in owners}
    assert everything["part_logits_BKhw"].shape[1] == pairs + len(owners)


def test_some_tasks_alone() -> None:
    found = logits(built(drawn_taxonomy(), tasks=["parts", "scenes"])(features(), FRAME))
    assert {name for name, value in found.items() if value is not None} == {
        "object_logits_BKhw",
        "part_logits_BKhw",
        "scene_logits_BK",
    }
    with pytest.raises(BadInput, match="tasks must be those of taxonomy t, but got scenes; it has materials, and obj"):
        built(Taxonomy("t", LabelTable(("a",)), materials=LabelTable(("m",))), tasks=["scenes"])
    with pytest.raises(BadInput, match="tasks.0: "):
        built(drawn_taxonomy(), tasks=["colours"])
    assert logits(built(drawn_taxonomy(), tasks=[])(features(), FRAME))["scene_logits_BK"] is None


def test_one_level_is_enough() -> None:
    """Behind a neck that fuses its levels itself."""
    single = FeatureLayout(channels=(6,), strides=(4,))
    found = PerceptualConfig(width=8).build(single, drawn_taxonomy())(
        FeatureMaps((torch.randn(1, 6, 5, 7),), (4,)), FRAME
    )
    assert found.object_logits_BKhw.shape == (1, 24, 5, 7)
