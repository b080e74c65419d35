"""TransferRecipe: a fine-tuning of a parser's features under Mask R-CNN, as data; and the built objects of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from mereo.data.class_histogram import class_histogram
from mereo.data.instances import require_instances, thing_indices
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.features.timm_backbone import TimmBackboneConfig
from mereo.files_of_settings import with_files_beside
from mereo.heads.mask_rcnn import MaskRcnnConfig
from mereo.parser.config import BuiltFeatures, ParserConfig
from mereo.parser.instances.instance_files import InstanceParserConfig
from mereo.parser.instances.instance_objective import InstanceObjective
from mereo.parser.instances.instance_parser import InstanceParser, features_of
from mereo.parser.model_card import ModelCard
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.weights import load
from mereo.recipe.any_recipe import AnyRecipe, opened_data
from mereo.recipe.recipe import recipe_content
from mereo.recipe.recipe_path import recipe_file
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated
from mereo.training.transfer_settings import TransferTrainingConfig


class TransferConfig(StrictConfig):
    """What goes under the detector: the backbone and path of a parser, or a backbone alone."""

    parser: str | None = Field(None, description="a built-in name, a parser file or a run folder; its heads are left")
    stages: int | None = Field(None, ge=0, description="only the first stages of the parser's path; left out: all")
    backbone: TimmBackboneConfig | None = Field(None, description="instead of a parser: a backbone without a path")
    preprocessing: PreprocessingConfig | None = Field(None, description="of that backbone; left out: its own")
    frozen_norms: bool = Field(True, description="batch norms of backbone and path keep statistics and weights")

    @model_validator(mode="after")
    def _check(self) -> "TransferConfig":
        if (self.parser is None) == (self.backbone is None):
            got = "neither" if self.parser is None else "both"
            raise ValueError(f"transfer must name a parser or a backbone, but got {got}; keep one of them")
        if self.parser is not None and self.preprocessing is not None:
            raise ValueError("preprocessing must be the parser's own, but got another one; leave it out")
        if self.parser is None and self.stages is not None:
            raise ValueError("stages must be of a parser's path, but got a backbone alone; leave them out")
        return self


class TransferRecipe(AnyRecipe):
    """Images are seen in training and measured with `augmentation.working_side` pixels along their longer side."""

    transfer: TransferConfig
    detector: MaskRcnnConfig = MaskRcnnConfig()
    training: TransferTrainingConfig = TransferTrainingConfig()
    card: ModelCard = ModelCard()


@dataclass(frozen=True)
class BuiltTransfer:
    """`config` and `features_taxonomy` are what the parser's file needs besides weights."""

    train_samples: Samples
    val_samples: Samples | None
    parser: InstanceParser
    objective: InstanceObjective
    augment: Callable[[Sample], Sample]
    config: InstanceParserConfig
    features_taxonomy: Taxonomy
    not_taken: tuple[str, ...] = ()


def load_transfer_recipe(path: str | Path, overrides: Sequence[str] = ()) -> TransferRecipe:
    """The recipe of a YAML file (or of a run folder) with `key.path=value` overrides."""
    return validated(TransferRecipe, recipe_content(path, overrides), source=f"recipe {recipe_file(path)}")


def build_transfer(recipe: TransferRecipe, *, folder: Path) -> BuiltTransfer:
    """`folder` is where the recipe lies."""
    train_samples, val_samples = opened_data(recipe, folder=folder, evaluate_every=recipe.training.evaluate_every)
    taxonomy = train_samples.taxonomy
    thing_indices(taxonomy)
    for samples in (train_samples, val_samples):
        if samples is not None:
            require_instances(samples[0])
    # Which classes are rare, as `mereo train` counts them: both then cut the same crops.
    pixels_K = class_histogram(train_samples) if recipe.augmentation.rare_class_share > 0 else None
    config, features_taxonomy, features, source_card = _features(recipe.transfer, folder, taxonomy)
    instance_config = InstanceParserConfig(
        features=config,
        detector=recipe.detector,
        working_side=recipe.augmentation.working_side,
        frozen_norms=recipe.transfer.frozen_norms,
    )
    parser = instance_config.build(taxonomy, features)
    parser.card = recipe.card.bound_by(source_card)
    return BuiltTransfer(
        train_samples=train_samples,
        val_samples=val_samples,
        parser=parser,
        objective=InstanceObjective(parser),
        augment=recipe.augmentation.build(taxonomy, pixels_K),
        config=instance_config,
        features_taxonomy=features_taxonomy,
    )


def _features(
    source: TransferConfig, folder: Path, taxonomy: Taxonomy
) -> tuple[ParserConfig, Taxonomy, BuiltFeatures, ModelCard | None]:
    """With the model card of the parser that they come from."""
    if source.backbone is not None:
        backbone = with_files_beside(folder, source.backbone)
        config = ParserConfig(backbone=backbone, preprocessing=source.preprocessing)
        return config, taxonomy, config.build_features(taxonomy), None
    name = str(source.parser)
    parser = load(folder / name if (folder / name).exists() else name)
    num_stages = len(parser.path) if source.stages is None else source.stages
    config = parser.config.model_copy(update={"path": parser.config.path[:num_stages]})
    return config, parser.taxonomy, features_of(parser, num_stages=num_stages), parser.card
