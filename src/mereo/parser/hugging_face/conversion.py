"""Hugging Face checkpoints as Mereo parsers: MaskFormer, Mask2Former and UperNet with their weights.

The backbone becomes timm's, which computes the same; the head (and UperNet's neck) are Mereo's own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.features.tensor_files import fitted
from mereo.parser.config import ParserConfig
from mereo.parser.hugging_face.backbone_names import BACKBONES
from mereo.parser.hugging_face.config import (
    AnyDescription,
    ConfigFile,
    Mask2FormerDescription,
    UperNetDescription,
)
from mereo.parser.hugging_face.files import CheckpointFolder, find_checkpoint
from mereo.parser.hugging_face.head_names import MASK2FORMER, MASKFORMER, UPERNET_HEAD, UPERNET_NECK
from mereo.parser.hugging_face.preprocessing import preprocessing_of
from mereo.parser.hugging_face.renaming import Rule, behind, renamed
from mereo.parser.model_card import ModelCard
from mereo.parser.network_limit import no_larger_than
from mereo.parser.parser_names import CHECKPOINT_PREFIX, is_checkpoint_on_hub
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

ALL_THINGS = "all"
SUPPORTED = "supported: maskformer, mask2former and upernet with a backbone of swin, convnext or resnet"
# Below it transformers' group norms have one channel a group, which Mereo's have not.
WIDTH_STEP, LEAST_WIDTH = 32, 64


def load_hugging_face(name: str | Path, *, things: Sequence[str] = ()) -> SceneParser:
    """The parser of a checkpoint: `hf:OWNER/NAME` or a folder with config.json and model.safetensors.

    A checkpoint does not say which classes are things. Named in `things` (or "all"), they are, and a MaskFormer or
    Mask2Former then answers instances too.
    """
    checkpoint = find_checkpoint(name)
    description = described(checkpoint)
    taxonomy = taxonomy_of(description, name=_short_name(checkpoint), things=things)
    config = config_of(description, preprocessing=checkpoint.preprocessing, has_things=bool(things))
    files = checkpoint.weight_files
    with no_larger_than(*files):
        parser = config.build(taxonomy)
    take_weights(parser, renamed(checkpoint.tensors(), rules_of(description)), source=checkpoint.name)
    parser.card = card_of(checkpoint, description)
    return parser.eval()


def described(checkpoint: CheckpointFolder) -> AnyDescription:
    source = f"the config of {checkpoint.name} ({SUPPORTED})"
    description = validated(ConfigFile, {"config": checkpoint.config}, source=source).config
    if isinstance(description, UperNetDescription):
        return description
    width = description.widths[0]
    if len(set(description.widths)) > 1 or width < LEAST_WIDTH or width % WIDTH_STEP:
        raise BadInput(
            f"a checkpoint's head must have one width everywhere, a multiple of {WIDTH_STEP} from {LEAST_WIDTH} up, "
            f"but got {description.widths} in {checkpoint.name}; this variant is not supported."
        )
    return description


def taxonomy_of(description: AnyDescription, *, name: str, things: Sequence[str]) -> Taxonomy:
    names = description.class_names
    unknown = sorted(set(things) - set(names) - {ALL_THINGS})
    if unknown:
        raise BadInput(
            f"things must be classes of the checkpoint, but got {', '.join(unknown[:5])}; classes: "
            f"{', '.join(names)[:200]}."
        )
    return Taxonomy(name, LabelTable(names), is_thing=tuple(ALL_THINGS in things or one in things for one in names))


def config_of(description: AnyDescription, *, preprocessing: dict[str, Any], has_things: bool) -> ParserConfig:
    content: dict[str, Any] = {
        "backbone": description.backbone_config.backbone(),
        "preprocessing": preprocessing_of(preprocessing),
    }
    if isinstance(description, UperNetDescription):
        neck = {"stage": "feature_pyramid", "width": description.hidden_size, "grid_sizes": description.pool_scales}
        content["path"] = [neck]
    else:
        content["heads"] = [description.head() | {"answers": "panoptic" if has_things else "semantic"}]
    return validated(ParserConfig, content, source="the parser of a checkpoint's config")


def rules_of(description: AnyDescription) -> tuple[Rule, ...]:
    of_backbone = BACKBONES[description.backbone_config.model_type]
    if isinstance(description, UperNetDescription):
        return (
            *behind(r"backbone\.(?:swin\.)?", "backbone.", of_backbone),
            *behind("", "path.0.", UPERNET_NECK),
            *behind("", "heads.0.", UPERNET_HEAD),
        )
    head = MASK2FORMER if isinstance(description, Mask2FormerDescription) else MASKFORMER
    return (
        *behind(r"model\.pixel_level_module\.encoder\.(?:swin\.|model\.)?", "backbone.", of_backbone),
        *behind("", "heads.0.", head),
    )


def take_weights(parser: SceneParser, tensors: dict[str, Tensor], *, source: str) -> None:
    """All of them, each of its own shape. Older files do not count batches; that count is not used."""
    expected = parser.state_dict()
    missing = sorted(name for name in expected.keys() - tensors.keys() if not name.endswith("num_batches_tracked"))
    extra = sorted(tensors.keys() - expected.keys())
    if missing or extra:
        raise BadInput(
            f"a checkpoint must hold exactly its architecture's weights, but got {len(missing)} missing {missing[:3]} "
            f"and {len(extra)} unknown {extra[:3]} (as Mereo names them) in {source}; get it anew."
        )
    remedy = "config.json and weights must belong together"
    parser.load_state_dict(expected | fitted(expected, tensors, path=source, remedy=remedy))


def card_of(checkpoint: CheckpointFolder, description: AnyDescription) -> ModelCard:
    is_hub = is_checkpoint_on_hub(checkpoint.name)
    page = checkpoint.name.removeprefix(CHECKPOINT_PREFIX).partition("@")[0]
    where = f"huggingface.co/{page}" if is_hub else "its publisher"
    return ModelCard(
        title=_short_name(checkpoint),
        summary=f"Converted from a Hugging Face checkpoint ({description.model_type}).",
        data=f"see {where}",
        terms=f"the checkpoint's own licence applies; read it at {where}",
        terms_notice="converted from a checkpoint whose own licence applies",
    )


def _short_name(checkpoint: CheckpointFolder) -> str:
    """What a taxonomy and a card are called; without the path, which is nobody else's concern."""
    is_hub = is_checkpoint_on_hub(checkpoint.name)
    name = checkpoint.name.removeprefix(CHECKPOINT_PREFIX) if is_hub else checkpoint.folder.resolve().name
    return "".join(letter if letter.isprintable() else "?" for letter in name) or "checkpoint"
