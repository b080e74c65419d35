"""ParserConfig: a parser as data. The closed unions of all stages and heads stand here: a new one is one more entry."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.adaptive_pyramid_context import AdaptivePyramidContextConfig
from mereo.features.asymmetric_nonlocal import AsymmetricNonlocalConfig
from mereo.features.atrous_pyramid import AtrousPyramidConfig
from mereo.features.concatenated_levels import ConcatenatedLevelsConfig
from mereo.features.criss_cross_attention import CrissCrossAttentionConfig
from mereo.features.dual_attention import DualAttentionConfig
from mereo.features.feature_levels import FeatureLevelsConfig
from mereo.features.feature_maps import FeatureLayout
from mereo.features.feature_pyramid import FeaturePyramidConfig
from mereo.features.level_fusion import LevelFusionConfig
from mereo.features.object_context_pooling import ObjectContextPoolingConfig
from mereo.features.projection import ProjectionConfig
from mereo.features.pyramid_pooling import PyramidPoolingConfig
from mereo.features.timm_backbone import TimmBackboneConfig
from mereo.files_of_settings import with_files
from mereo.heads.instance_centers import InstanceCentersConfig
from mereo.heads.mask2former import Mask2FormerConfig
from mereo.heads.maskformer import MaskFormerConfig
from mereo.heads.perceptual import OTHER_TASKS, PerceptualConfig
from mereo.heads.pixel_classes import PixelClassesConfig
from mereo.heads.segment_sorting import SegmentSortingConfig
from mereo.heads.semantic_pyramid import SemanticPyramidConfig
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.class_affinity import ClassAffinityConfig
from mereo.reasoning.concept_tokens import ConceptTokensConfig
from mereo.reasoning.deep_grouping import DeepGroupingConfig
from mereo.reasoning.global_reasoning_unit import GlobalReasoningUnitConfig
from mereo.reasoning.object_regions import ObjectRegionsConfig
from mereo.strict import StrictConfig

StageConfig = Annotated[
    ProjectionConfig
    | AtrousPyramidConfig
    | FeatureLevelsConfig
    | LevelFusionConfig
    | ConcatenatedLevelsConfig
    | FeaturePyramidConfig
    | PyramidPoolingConfig
    | DualAttentionConfig
    | CrissCrossAttentionConfig
    | ObjectContextPoolingConfig
    | AdaptivePyramidContextConfig
    | AsymmetricNonlocalConfig
    | ObjectRegionsConfig
    | ClassAffinityConfig
    | GlobalReasoningUnitConfig
    | ConceptTokensConfig
    | DeepGroupingConfig,
    Field(discriminator="stage"),
]
HeadConfig = Annotated[
    PixelClassesConfig
    | MaskFormerConfig
    | Mask2FormerConfig
    | SemanticPyramidConfig
    | PerceptualConfig
    | SegmentSortingConfig
    | InstanceCentersConfig,
    Field(discriminator="head"),
]


@dataclass(frozen=True)
class BuiltFeatures:
    """Backbone and path, the layout of what the path gives, and how pixels become the backbone's numbers."""

    backbone: nn.Module
    path: tuple[nn.Module, ...]
    layout: FeatureLayout
    preprocessing: PreprocessingConfig


class ParserConfig(StrictConfig):
    backbone: TimmBackboneConfig
    path: tuple[StageConfig, ...] = Field((), max_length=64)
    heads: tuple[HeadConfig, ...] = Field((PixelClassesConfig(),), max_length=64)
    preprocessing: PreprocessingConfig | None = Field(None, description="left out: the backbone's own mean and std")
    temperature: float = Field(1.0, gt=0, description="divides the logits in the confidence; see `mereo evaluate`")

    def build(self, taxonomy: Taxonomy) -> SceneParser:
        """The parser with fresh weights (the backbone's from where `backbone.weights` says)."""
        features = self.build_features(taxonomy)
        return SceneParser(
            features.backbone,
            features.path,
            [head_config.build(features.layout, taxonomy) for head_config in self.heads],
            taxonomy=taxonomy,
            preprocessing=features.preprocessing,
            config=self,
            temperature=self.temperature,
        )

    def names_of_tasks(self, taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
        """Of every task that the parser answers, its classes. A taxonomy may have more tasks than its heads."""
        answered = {"objects"}
        for head in self.heads:
            if isinstance(head, PerceptualConfig):
                answered.update(OTHER_TASKS if head.tasks is None else head.tasks)
        return {task: names for task, names in taxonomy.names_of_tasks.items() if task in answered}

    def build_features(self, taxonomy: Taxonomy) -> "BuiltFeatures":
        """What stands before the heads. `taxonomy` is of the classes that the path's stages reason about."""
        backbone = self.backbone.build()
        layout, path = backbone.layout, []
        for stage_config in self.path:
            path.append(stage_config.build(layout, taxonomy.object_names))
            layout = path[-1].layout
        mean, std = backbone.mean, backbone.std
        preprocessing = self.preprocessing or PreprocessingConfig(
            mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2])
        )
        return BuiltFeatures(backbone, tuple(path), layout, preprocessing)

    def without_weights(self) -> "ParserConfig":
        """As saved in a parser file, whose tensors make the backbone's first weights and counted edges needless."""
        return with_files(self, lambda _: None)
