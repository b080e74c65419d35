"""Parser files: one safetensors file with weights, config, taxonomy, preprocessing and model card. No pickle."""

import logging
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mereo.atomic_files import write_bytes
from mereo.data.json_reading import parse_json
from mereo.data.taxonomy_file import taxonomy_from_dict, taxonomy_to_dict
from mereo.errors import BadInput
from mereo.features.stage import layout_of
from mereo.features.tensor_files import as_kind_of, described_tensors, description_of, fitted, read_finite_tensors
from mereo.parser.config import ParserConfig
from mereo.parser.devices import require_device
from mereo.parser.familiarity import PREFIX as FAMILIARITY
from mereo.parser.familiarity import Familiarity, familiarity_from
from mereo.parser.hub.download import downloaded_parser
from mereo.parser.hugging_face.conversion import load_hugging_face
from mereo.parser.model_card import ModelCard
from mereo.parser.network_limit import no_larger_than
from mereo.parser.parser_names import is_checkpoint_on_hub, is_pushed_parser, no_such_parser
from mereo.parser.scene_parser import SceneParser
from mereo.run_files import BEST_PARSER, LAST_PARSER
from mereo.strict_yaml import validated
from mereo.version import VERSION

LOG = logging.getLogger("mereo")
FORMAT = "mereo-parser-1"
DEFAULT_PARSER = "everyday"  # Where no parser is named. It answers most: all tasks, and groups.
_NOTICED: set[str] = set()


def save_parser(
    parser: SceneParser, path: str | Path, *, card: ModelCard | None = None, dtype: torch.dtype | None = None
) -> Path:
    """Write `parser` as one file. `dtype` float16 halves it (integers and running statistics keep theirs)."""
    if parser.config is None:
        raise BadInput(
            "a parser must be built from a ParserConfig to be saved as a file, but got one composed in Python; "
            "save its state_dict() with safetensors, and compose it again to load it."
        )
    config: ParserConfig = parser.config.without_weights()
    config = config.model_copy(update={"preprocessing": parser.preprocessing, "temperature": parser.temperature})
    card = card or parser.card or ModelCard()
    content = {
        "format": FORMAT,
        "mereo_version": VERSION,
        "config": config.model_dump(mode="json"),
        "taxonomy": taxonomy_to_dict(parser.taxonomy),
        "card": card.model_dump(mode="json"),
    }
    tensors = {name: _packed(name, value, dtype) for name, value in parser.state_dict().items()}
    if parser.familiarity is not None:
        content["familiarity"] = parser.familiarity.numbers()
        tensors |= parser.familiarity.tensors()
    write_bytes(path, described_tensors(tensors, content))
    return Path(path)


def load(name_or_path: str | Path, *, device: str | torch.device = "cpu") -> SceneParser:
    """A built-in parser by name (see `mereo models`), a parser file by path, a parser that somebody pushed as
    "hub:OWNER/NAME" (or "hub:OWNER/NAME@REVISION"), or a checkpoint of the Hugging Face hub as "hf:OWNER/NAME"; ready
    to parse."""
    device = require_device(str(device))
    if is_checkpoint_on_hub(name_or_path):
        return _noticed(load_hugging_face(name_or_path), name_or_path).to(device)
    path = find_parser_file(name_or_path)
    metadata = read_metadata(path)
    # A file that names weights elsewhere must not make us open or download them: its own tensors are all there is.
    config = validated(ParserConfig, metadata["config"], source=f"the config in {path}").without_weights()
    taxonomy = taxonomy_from_dict(metadata["taxonomy"], source=f"the taxonomy in {path}")
    card = validated(ModelCard, metadata["card"], source=f"the model card in {path}")
    with no_larger_than(path):
        parser = config.build(taxonomy)
    tensors = read_tensors(path)
    load_tensors(parser, tensors, path=path)
    parser.card = card
    if "familiarity" in metadata:
        channels = layout_of(parser.backbone, what="a backbone").channels
        parser.familiarity = familiarity_from(
            tensors, metadata["familiarity"], num_channels=channels[-2:][0], path=path
        )
    return _noticed(parser, str(name_or_path) if is_pushed_parser(name_or_path) else path).eval().to(device)


def _noticed(parser: SceneParser, source: str | Path) -> SceneParser:
    """The terms of the weights are told once a process."""
    notice = "" if parser.card is None else parser.card.terms_notice
    if notice and str(source) not in _NOTICED:
        _NOTICED.add(str(source))
        LOG.warning("%s: %s", Path(source).stem, notice)
    return parser


def save_changed(name_or_path: str | Path, path: str | Path, **changes: Any) -> Path:
    """Write what `changed_parser` makes of a parser."""
    write_bytes(path, changed_parser(name_or_path, **changes))
    return Path(path)


def changed_parser(
    name_or_path: str | Path,
    *,
    temperature: float | None = None,
    familiarity: Familiarity | None = None,
    card: ModelCard | None = None,
) -> bytes:
    """The same parser file, its weights to the bit, with another temperature, familiarity or card; None: as it was."""
    source = find_parser_file(name_or_path)
    metadata, tensors = read_metadata(source), read_tensors(source)
    if temperature is not None:
        metadata["config"] = metadata["config"] | {"temperature": temperature}
    config = validated(ParserConfig, metadata["config"], source=f"the config made of {source}")
    content = metadata | {"mereo_version": VERSION, "config": config.model_dump(mode="json")}
    if card is not None:
        content["card"] = card.model_dump(mode="json")
    if familiarity is not None:
        content["familiarity"] = familiarity.numbers()
        tensors = {name: value for name, value in tensors.items() if not name.startswith(FAMILIARITY)}
        tensors |= familiarity.tensors()
    return described_tensors(tensors, content)


def load_tensors(parser: SceneParser, tensors: Mapping[str, Tensor], *, path: Path) -> None:
    """Every weight of the network, as read from `path`; what the file says of familiarity is none."""
    tensors = {name: value for name, value in tensors.items() if not name.startswith(FAMILIARITY)}
    expected = parser.state_dict()
    missing, extra = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or extra:
        raise BadInput(
            f"parser file must hold exactly its config's weights, but got {len(missing)} missing {missing[:3]} and "
            f"{len(extra)} unknown {[name[:80] for name in extra[:3]]} in {path}; save it anew."
        )
    parser.load_state_dict(fitted(expected, tensors, path=path, remedy="save it anew"))


def start_from(parser: SceneParser, path_or_name: str | Path) -> list[str]:
    """Fine-tuning: take every weight of the file that fits; returns the parser's names that got none.

    (With another class count: those of the classifier.)
    """
    path = find_parser_file(path_or_name)
    tensors, expected = read_tensors(path), parser.state_dict()
    fitting = {
        name: as_kind_of(expected[name], value, name=name, path=path)
        for name, value in tensors.items()
        if name in expected and value.shape == expected[name].shape
    }
    if not fitting:
        raise BadInput(
            f"start_from must share weights with the recipe's parser, but got none in {path}; use its parser section."
        )
    parser.load_state_dict(expected | fitting)
    return sorted(expected.keys() - fitting.keys())


def card_of(path_or_name: str | Path) -> ModelCard:
    """The model card alone, without building the parser."""
    path = find_parser_file(path_or_name)
    return validated(ModelCard, read_metadata(path)["card"], source=f"the model card in {path}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    return read_finite_tensors(path, what="parser file")


def read_metadata(path: Path, *, kind: str = FORMAT) -> dict[str, Any]:
    """What a parser file says about itself: format (`kind`), mereo_version, config, taxonomy, card."""
    text = description_of(path, what="parser file")
    metadata = parse_json(text, what="the metadata of a parser file", path=path)
    missing = sorted({"config", "taxonomy", "card"} - metadata.keys()) if isinstance(metadata, dict) else ["all"]
    if missing or metadata.get("format") != kind:
        raise BadInput(
            f"parser file must be one that Mereo saved ({kind}), but got other content in {path}; check the path."
        )
    return metadata


def built_in_parsers() -> dict[str, Path]:
    """The default one first."""
    folder = Path(str(resources.files("mereo.parser"))) / "built_in"
    paths = sorted(folder.glob("*.safetensors"), key=lambda path: (path.stem != DEFAULT_PARSER, path.stem))
    return {path.stem: path for path in paths}


def find_parser_file(name_or_path: str | Path) -> Path:
    if is_pushed_parser(name_or_path):
        return downloaded_parser(name_or_path)
    built_in = built_in_parsers()
    if str(name_or_path) in built_in:
        return built_in[str(name_or_path)]
    path = Path(name_or_path)
    if os.path.isdir(path):
        path = next((path / name for name in (BEST_PARSER, LAST_PARSER) if (path / name).is_file()), path)
    if not os.path.isfile(path):  # Path.is_file() raises where a name is too long.
        raise no_such_parser(name_or_path, list(built_in))
    return path


def _packed(name: str, value: Tensor, dtype: torch.dtype | None) -> Tensor:
    is_weight = value.is_floating_point() and "running_" not in name
    return value.detach().cpu().to(dtype if dtype is not None and is_weight else value.dtype).contiguous()
