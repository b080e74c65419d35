"""Files of instance parsers: one safetensors file that stands alone, like a parser file but of another kind."""

from pathlib import Path

from pydantic import Field

from mereo.atomic_files import write_bytes
from mereo.data.instances import thing_indices
from mereo.data.taxonomy import Taxonomy
from mereo.data.taxonomy_file import taxonomy_from_dict, taxonomy_to_dict
from mereo.features.tensor_files import described_tensors
from mereo.heads.mask_rcnn import MaskRcnnConfig
from mereo.parser.config import BuiltFeatures, ParserConfig
from mereo.parser.devices import require_device
from mereo.parser.instances.instance_parser import InstanceParser
from mereo.parser.model_card import ModelCard
from mereo.parser.network_limit import no_larger_than
from mereo.parser.weights import load_tensors, read_metadata, read_tensors
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated
from mereo.version import VERSION

INSTANCE_FORMAT = "mereo-instances-1"


class InstanceParserConfig(StrictConfig):
    """`features` is the parser's that backbone and path come from (its heads are left out), with its normalisation."""

    features: ParserConfig
    detector: MaskRcnnConfig = MaskRcnnConfig()
    working_side: int | None = Field(None, ge=1, description="pixels; left out: images keep their size")
    frozen_norms: bool = True

    def build(self, taxonomy: Taxonomy, features: BuiltFeatures) -> InstanceParser:
        head = self.detector.build(features.layout, len(thing_indices(taxonomy)))
        return InstanceParser(
            features, head, taxonomy=taxonomy, working_side=self.working_side, has_frozen_norms=self.frozen_norms
        )


def save_instance_parser(
    parser: InstanceParser,
    path: str | Path,
    *,
    config: InstanceParserConfig,
    features_taxonomy: Taxonomy,
    card: ModelCard | None = None,
) -> Path:
    """`features_taxonomy`: the classes that the path's reasoners know, which need not be those that are found."""
    features = config.features.without_weights().model_copy(update={"preprocessing": parser.preprocessing})
    content = {
        "format": INSTANCE_FORMAT,
        "mereo_version": VERSION,
        "config": config.model_copy(update={"features": features}).model_dump(mode="json"),
        "features_taxonomy": taxonomy_to_dict(features_taxonomy),
        "taxonomy": taxonomy_to_dict(parser.taxonomy),
        "card": (card or parser.card or ModelCard()).model_dump(mode="json"),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in parser.state_dict().items()}
    write_bytes(path, described_tensors(tensors, content))
    return Path(path)


def load_instance_parser(path: str | Path, *, device: str = "cpu") -> InstanceParser:
    """Ready to detect. Nothing but the file is read: its tensors are all the weights there are."""
    path, checked_device = Path(path), require_device(device)
    metadata = read_metadata(path, kind=INSTANCE_FORMAT)
    config = validated(InstanceParserConfig, metadata["config"], source=f"the config in {path}")
    taxonomy = taxonomy_from_dict(metadata["taxonomy"], source=f"the taxonomy in {path}")
    of_features = taxonomy_from_dict(metadata.get("features_taxonomy"), source=f"the taxonomy of features in {path}")
    card = validated(ModelCard, metadata["card"], source=f"the model card in {path}")
    with no_larger_than(path):
        parser = config.build(taxonomy, config.features.without_weights().build_features(of_features))
    load_tensors(parser, read_tensors(path), path=path)
    parser.card = card
    parser.eval().to(checked_device)
    return parser
