"""ParserConfig: a parser as data. What recipes say is what is built."""

from pathlib import Path
from typing import get_args

import pytest
import torch
from tiny_parser import PATHS, TAXONOMY, taxonomy_of, tiny_config
from tiny_perceptual_parser import tiny_perceptual_config

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.features.adaptive_pyramid_context import AdaptivePyramidContext
from mereo.features.asymmetric_nonlocal import AsymmetricNonlocal
from mereo.features.atrous_pyramid import AtrousPyramid
from mereo.features.concatenated_levels import ConcatenatedLevels
from mereo.features.criss_cross_attention import CrissCrossAttention
from mereo.features.dual_attention import DualAttention
from mereo.features.feature_levels import FeatureLevels
from mereo.features.feature_pyramid import FeaturePyramid
from mereo.features.level_fusion import LevelFusion
from mereo.features.object_context_pooling import ObjectContextPooling
from mereo.features.projection import Projection
from mereo.features.pyramid_pooling import PooledPyramid
from mereo.heads.instance_centers import InstanceCenters, InstanceCentersPrediction
from mereo.heads.mask2former import Mask2Former
from mereo.heads.maskformer import MaskFormer
from mereo.heads.perceptual import Perceptual, PerceptualPrediction
from mereo.heads.pixel_classes import PixelClasses, PixelClassesPrediction
from mereo.heads.segment_sorting import SegmentSorting, SegmentSortingPrediction
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidPrediction
from mereo.parser.config import HeadConfig, ParserConfig, StageConfig
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.class_affinity import ClassAffinity
from mereo.reasoning.concept_tokens import ConceptTokens
from mereo.reasoning.deep_grouping import DeepGrouping
from mereo.reasoning.global_reasoning_unit import GlobalReasoningUnit
from mereo.reasoning.object_regions import ObjectRegions
from mereo.strict_yaml import load_yaml, validated

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
BASELINES = {"projection": Projection, "atrous_pyramid": AtrousPyramid, "feature_pyramid": FeaturePyramid}
STAGES = BASELINES | {
    "pyramid_pooling": PooledPyramid,
    "dual_attention": DualAttention,
    "criss_cross_attention": CrissCrossAttention,
    "object_context_pooling": ObjectContextPooling,
    "adaptive_pyramid_context": AdaptivePyramidContext,
    "object_regions": ObjectRegions,
    "class_affinity": ClassAffinity,
    "asymmetric_nonlocal": AsymmetricNonlocal,
    "global_reasoning_unit": GlobalReasoningUnit,
    "concept_tokens": ConceptTokens,
    "feature_levels": FeatureLevels,
    "level_fusion": LevelFusion,
    "concatenated_levels": ConcatenatedLevels,
    "deep_grouping": DeepGrouping,
}
HEADS = {
    "pixel_classes": PixelClasses,
    "maskformer": MaskFormer,
    "mask2former": Mask2Former,
    "semantic_pyramid": SemanticPyramid,
    "perceptual": Perceptual,
    "segment_sorting": SegmentSorting,
    "instance_centers": InstanceCenters,
}
# Some heads are of things.
OF_ALL_TASKS = Taxonomy(
    "tiny",
    TAXONOMY.objects,
    is_thing=(False, False, True),
    parts=LabelTable(("wheel",)),
    part_owners=((TAXONOMY.objects.names[2],),),
    materials=LabelTable(("metal",)),
    scenes=LabelTable(("street",)),
)


def parser_section(recipe: Path) -> ParserConfig:
    content = load_yaml(recipe.read_text(encoding="utf-8"), source=str(recipe))
    return validated(ParserConfig, content["parser"], source=str(recipe))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_parser_of_every_recipe_is_built(recipe: Path) -> None:
    config = parser_section(recipe).without_weights()
    parser = config.build(OF_ALL_TASKS).eval()
    assert [type(stage) for stage in parser.path] == [STAGES[stage.stage] for stage in config.path]
    assert [type(head) for head in parser.heads] == [HEADS[head.head] for head in config.heads]
    answers = parser(torch.randint(0, 256, (1, 3, 33, 65), dtype=torch.uint8))
    for prediction in answers.predictions:
        if isinstance(prediction, PixelClassesPrediction):
            assert prediction.logits_BKhw.shape[1] == 3
        elif isinstance(prediction, SemanticPyramidPrediction):
            assert {logits_BKhw.shape[1] for logits_BKhw in prediction.logits_per_level} == {3}
        elif isinstance(prediction, PerceptualPrediction):
            assert prediction.object_logits_BKhw.shape[1] == 3
        elif isinstance(prediction, SegmentSortingPrediction):
            assert prediction.class_probability_BKhw.shape[1] == 3
        elif isinstance(prediction, InstanceCentersPrediction):
            assert len(prediction.center_N2) == 1
        else:
            assert prediction.class_scores_BKhw.shape[1] == 3
    layout = parser.path[-1].layout if len(parser.path) else parser.backbone.layout
    assert (answers.features.channels, answers.features.strides) == (layout.channels, layout.strides)


def test_all_three_baselines_have_a_recipe() -> None:
    stages = {stage.stage for recipe in RECIPES for stage in parser_section(recipe).path}
    assert stages >= set(BASELINES)


def test_nothing_is_forgotten_here() -> None:
    for union, kind, known in ((StageConfig, "stage", STAGES), (HeadConfig, "head", HEADS)):
        configs = get_args(get_args(union)[0])
        assert {config.model_fields[kind].default for config in configs} == set(known)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_alone_on_the_path(stage: str) -> None:
    content = {"backbone": {"name": "test_resnet"}, "path": [{"stage": stage}]}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    assert [type(built) for built in parser.path] == [STAGES[stage]]
    assert parser.parse(torch.zeros(40, 50, 3, dtype=torch.uint8).numpy()).semantic.shape == (40, 50)


def test_stages_in_any_order_and_number() -> None:
    path = [{"stage": "atrous_pyramid", "width": 6}, {"stage": "feature_pyramid", "width": 5}]
    path += [{"stage": "projection", "width": 4, "kernel_size": 1}, {"stage": "projection", "width": 7}]
    content = {"backbone": {"name": "test_resnet", "output_stride": 16}, "path": path}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    assert [stage.layout.channels[-1] for stage in parser.path] == [6, 5, 4, 7]
    assert parser.parse(torch.zeros(40, 40, 3, dtype=torch.uint8).numpy()).semantic.shape == (40, 40)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("backbone", ["test_vit", "test_convnext", "test_resnet"])
def test_every_neck_on_every_kind_of_backbone(path: str, backbone: str) -> None:
    parser = tiny_config(path, backbone=backbone).build(TAXONOMY).train()
    logits_BKhw = parser(torch.rand(2, 3, 37, 50) * 255).prediction(PixelClassesPrediction).logits_BKhw
    logits_BKhw.sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in parser.parameters())


def test_the_same_seed_builds_the_same_parser() -> None:
    def built(seed: int) -> SceneParser:
        torch.manual_seed(seed)
        return tiny_config("upernet").build(TAXONOMY)

    first, same, other = (built(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_the_head_has_one_output_a_class() -> None:
    parser = tiny_config().build(taxonomy_of(*map(str, range(300))))
    assert parser.heads[0].classify.weight.shape[0] == 300
    assert parser.taxonomy.ignore_index == 65535


def test_preprocessing_is_the_backbones_unless_given() -> None:
    assert tiny_config(backbone="test_convnext").build(TAXONOMY).preprocessing.mean == (0.5, 0.5, 0.5)
    given = tiny_config(backbone="test_convnext", preprocessing={"working_side": 64}).build(TAXONOMY).preprocessing
    assert (given.mean[0], given.working_side) == (0.485, 64)


def test_without_weights_forgets_only_them() -> None:
    config = validated(
        ParserConfig, {"backbone": {"name": "test_resnet", "weights": "hub", "output_stride": 8}}, source="a test"
    )
    assert config.without_weights().backbone.weights is None
    assert config.without_weights().backbone.output_stride == 8
    assert config.backbone.weights == "hub"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({}, "backbone: Field required"),
        ({"backbone": {"name": "test_resnet", "output_stride": 7}}, "output_stride: .*8, 16 or 32, but got 7"),
        ({"backbone": {"nam": "test_resnet"}}, "backbone: .*did you mean 'name'"),
        ({"backbone": {"name": "test_resnet"}, "path": [{"stage": "neck"}]}, "path.0: .*'neck'.*'projection'"),
        ({"backbone": {"name": "test_resnet"}, "heads": [{"head": "masks"}]}, "heads.0"),
        ({"backbone": {"name": "test_resnet"}, "heads": [{"head": "pixel_classes", "dropout": 1}]}, "less than 1"),
        ({"backbone": {"name": "test_resnet"}, "preprocessing": {"std": [0, 1, 1]}}, "greater than 0, but got 0"),
    ],
    ids=str,
)
def test_wrong_settings(content: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        validated(ParserConfig, content, source="a test")


def test_no_heads() -> None:
    with pytest.raises(BadInput, match="a parser must have at least one head, but got none"):
        tiny_config(heads=[]).build(TAXONOMY)


def test_the_tasks_that_are_told_are_those_that_a_head_answers() -> None:
    taxonomy = drawn_taxonomy()
    plain, some, whole = tiny_config(), tiny_perceptual_config(tasks=["parts"]), tiny_perceptual_config()
    assert plain.names_of_tasks(taxonomy) == {"objects": taxonomy.objects.names}
    assert list(some.names_of_tasks(taxonomy)) == ["objects", "parts"]
    assert whole.names_of_tasks(taxonomy) == taxonomy.names_of_tasks and len(taxonomy.names_of_tasks) == 5
    assert whole.names_of_tasks(TAXONOMY) == TAXONOMY.names_of_tasks
