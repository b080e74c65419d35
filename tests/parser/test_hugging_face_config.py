"""What of a config.json is taken, and which variants are refused rather than converted into something else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import convnext, mask2former, maskformer, resnet, saved, swin, upernet
from tiny_parser import random_image
from transformers import MaskFormerImageProcessor

from mereo.errors import BadInput
from mereo.features.network_sizes import SwinSizes
from mereo.parser.hugging_face.config import ResNetDescription
from mereo.parser.hugging_face.conversion import load_hugging_face
from mereo.parser.hugging_face.preprocessing import preprocessing_of


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    models = {"maskformer": maskformer(swin()), "mask2former": mask2former(swin()), "upernet": upernet(convnext())}
    return {name: saved(model, tmp_path_factory.mktemp(name)) for name, model in models.items()}


def changed(whole: Path, folder: Path, changes: dict[str, Any]) -> Path:
    """The same checkpoint with other values in its config; `a.b` is b of a."""
    content = json.loads((whole / "config.json").read_text())
    for key, value in changes.items():
        part, *steps = content, *key.split(".")
        for step in steps[:-1]:
            part = part[step]
        part[steps[-1]] = value
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "model.safetensors").write_bytes((whole / "model.safetensors").read_bytes())
    return folder


REFUSED = [
    (
        "maskformer",
        {"model_type": "oneformer"},
        "supported: maskformer, mask2former and upernet with a back",
    ),
    ("maskformer", {"backbone_config.model_type": "focalnet"}, "backbone of swin, convnext or resnet.*'focalnet'"),
    ("maskformer", {"mask_feature_size": 32}, r"must have one width everywhere, .* but got \(64, 32, 64\)"),
    ("maskformer", {"decoder_config.activation_function": "gelu"}, "config.decoder_config.activation_function: .*gelu"),
    ("maskformer", {"backbone_config.patch_size": 2}, "config.backbone_config.patch_size: .*but got 2"),
    ("maskformer", {"backbone_config.use_absolute_embeddings": True}, "use_absolute_embeddings: .*but got True"),
    ("maskformer", {"backbone_config.window_size": 0}, "window_size: .*greater than or equal to 1, but got 0"),
    ("mask2former", {"pre_norm": True}, "config.pre_norm: .*but got True"),
    ("mask2former", {"feature_strides": [8, 16, 32, 64]}, "config.feature_strides.0: .*but got 8"),
    ("mask2former", {"backbone_config.out_features": ["stage2", "stage3", "stage4"]}, "out_features.*"),
    ("upernet", {"id2label": {}}, "config.id2label: .*"),
    (
        "upernet",
        {"hidden_size": 24},
        r"path.0.\S* must have shape .*, but got .*config.json and weights must",
    ),
    (
        "upernet",
        {"backbone_config.depths": [1, 1, 1, 1]},
        "must hold exactly its architecture's weights, but got 0",
    ),
    (
        "upernet",
        {"backbone_config.depths": [1, 1, 3, 1]},
        "must hold exactly its architecture's weights, but got 9",
    ),
    ("upernet", {"backbone_config.hidden_sizes": [16384] * 4}, "network of more than .* numbers"),
    ("upernet", {"hidden_size": 10**9}, "path.0.width: .*less than or equal to 16384"),
    ("maskformer", {"decoder_config.num_queries": 10**9}, "heads.0.num_queries: .*less than or equal to 4096"),
    ("maskformer", {"decoder_config.decoder_attention_heads": 5}, "width must be a multiple of its 5 heads"),
    ("mask2former", {"decoder_layers": 1}, "config.decoder_layers: .*greater than or equal to 2, but got 1"),
]


@pytest.mark.parametrize(("kind", "changes", "match"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(wholes: dict[str, Path], tmp_path: Path, kind: str, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        load_hugging_face(changed(wholes[kind], tmp_path, changes))


def test_unknown_tensors(wholes: dict[str, Path], tmp_path: Path) -> None:
    folder = changed(wholes["upernet"], tmp_path, {})
    tensors = load_file(folder / "model.safetensors") | {"decode_head.extra.weight": torch.zeros(1)}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BadInput, match="tensors of a checkpoint must be known to Mereo, but got 'decode_head.ex"):
        load_hugging_face(folder)


def test_tensors_of_another_kind(wholes: dict[str, Path], tmp_path: Path) -> None:
    folder = changed(wholes["upernet"], tmp_path, {})
    tensors = load_file(folder / "model.safetensors")
    tensors["decode_head.classifier.bias"] = torch.zeros(3, dtype=torch.int64)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BadInput, match="heads.0.classify.bias must hold floating-point numbers, but got torch.int64"):
        load_hugging_face(folder)


@pytest.mark.parametrize("kind", ["maskformer", "mask2former", "upernet"])
def test_the_names_inside_transformers_are_known_too(wholes: dict[str, Path], tmp_path: Path, kind: str) -> None:
    """save_pretrained writes the names of old checkpoints; a state_dict() has those of today."""
    model = {"maskformer": maskformer, "mask2former": mask2former, "upernet": upernet}[kind](
        convnext() if kind == "upernet" else swin()
    )
    folder = changed(wholes[kind], tmp_path, {})
    old = load_hugging_face(folder).state_dict()
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    for name, value in load_hugging_face(folder).state_dict().items():
        assert torch.equal(value, old[name]), name


def test_batches_need_not_be_counted(wholes: dict[str, Path], tmp_path: Path) -> None:
    folder = changed(wholes["upernet"], tmp_path, {})
    tensors = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if "num_batches" not in k}, folder / "model.safetensors")
    assert load_hugging_face(folder).parse(random_image(20, 30)).semantic.shape == (20, 30)


def test_classes_with_one_name_get_their_index(wholes: dict[str, Path], tmp_path: Path) -> None:
    names = {"0": "tree", "1": "road ", "2": "tree"}
    parser = load_hugging_face(changed(wholes["upernet"], tmp_path, {"id2label": names}))
    assert parser.taxonomy.object_names == ["tree (0)", "road", "tree (2)"]


@pytest.mark.parametrize("stages", [None, ["stage4"]])
def test_old_configs_of_maskformer_name_one_stage(wholes: dict[str, Path], tmp_path: Path, stages: Any) -> None:
    changes = {"backbone_config.out_features": stages, "backbone_config.model_type": "swin"}
    assert load_hugging_face(changed(wholes["maskformer"], tmp_path, changes)).backbone.layout.strides == (4, 8, 16, 32)


def test_sizes_of_the_network_are_in_the_parser(wholes: dict[str, Path]) -> None:
    config = load_hugging_face(wholes["maskformer"]).config
    assert config.backbone.sizes == SwinSizes(depths=(1, 2, 2, 1), width=16, heads=(1, 2, 2, 4), window=4)
    assert config.heads[0].num_queries == 7 and config.heads[0].num_layers == 2


def test_known_networks_are_called_by_their_name() -> None:
    backbone = resnet("basic").to_dict() | {"depths": [2, 2, 2, 2]}
    assert ResNetDescription.model_validate(backbone).backbone()["name"] == "resnet18"


class TestThings:
    def test_named_things_are_answered_apart(self, wholes: dict[str, Path]) -> None:
        parser = load_hugging_face(wholes["mask2former"], things=["car"])
        assert parser.taxonomy.is_thing == (False, False, True)
        assert parser.parse(random_image(40, 56)).instances is not None

    def test_all_are_things(self, wholes: dict[str, Path]) -> None:
        assert load_hugging_face(wholes["maskformer"], things=["all"]).taxonomy.is_thing == (True, True, True)

    def test_unknown_things(self, wholes: dict[str, Path]) -> None:
        with pytest.raises(BadInput, match="things must be classes of the checkpoint, but got boat; classes: sky"):
            load_hugging_face(wholes["maskformer"], things=["car", "boat"])

    def test_without_them_the_answer_is_semantic(self, wholes: dict[str, Path]) -> None:
        assert load_hugging_face(wholes["maskformer"]).parse(random_image(40, 56)).instances is None


@pytest.mark.parametrize(
    ("content", "side"),
    [
        ({}, None),
        ({"size": {"shortest_edge": 512, "longest_edge": 2048}}, 683),
        ({"size": {"shortest_edge": 800, "longest_edge": 900}}, 900),
        ({"size": {"height": 384, "width": 512}}, 512),
        ({"size": 640, "max_size": 2560}, 853),
        ({"size": {"longest_edge": 1333}}, 1333),
        ({"size": {"shortest_edge": 512}, "do_resize": False}, None),
    ],
    ids=str,
)
def test_working_side(content: dict[str, Any], side: int | None) -> None:
    assert preprocessing_of(content).working_side == side


def test_mean_and_deviation() -> None:
    prepared = preprocessing_of({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]})
    assert (prepared.mean, prepared.std) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))
    plain = preprocessing_of({"do_normalize": False})
    assert (plain.mean, plain.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    with pytest.raises(BadInput, match="preprocessor_config.json must be valid, but got: image_std.1: .*0"):
        preprocessing_of({"image_std": [0.2, 0, 0.1]})


SHADES = {"image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375]}  # Of pixels up to 255.


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_rescale": False, **SHADES},
        {"do_rescale": False, "rescale_factor": 0.5, **SHADES},
        {"rescale_factor": 1 / 127.5},
        {"rescale_factor": 1 / 127.5, "do_normalize": False},
        {"do_rescale": None, "rescale_factor": None},
    ],
    ids=str,
)
def test_pixels_become_what_the_processor_makes_of_them(options: dict[str, Any]) -> None:
    image_HWC = random_image(32, 32)
    given = {key: value for key, value in options.items() if value is not None}
    processor = MaskFormerImageProcessor(do_resize=False, **given)
    prepared = preprocessing_of({**processor.to_dict(), **options})
    (wanted_CHW,) = processor(images=image_HWC, return_tensors="np")["pixel_values"]
    found_HWC = (image_HWC / 255 - prepared.mean) / prepared.std
    np.testing.assert_allclose(found_HWC, np.moveaxis(wanted_CHW, 0, -1), rtol=1e-5, atol=1e-5)


def test_a_factor_of_nothing() -> None:
    with pytest.raises(BadInput, match="preprocessor_config.json must be valid, but got: rescale_factor: .*0"):
        preprocessing_of({"rescale_factor": 0})


def test_preprocessing_of_a_folder(wholes: dict[str, Path], tmp_path: Path) -> None:
    folder = changed(wholes["upernet"], tmp_path, {})
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "size": {"height": 64}}))
    preprocessing = load_hugging_face(folder).preprocessing
    assert preprocessing.mean == (0.5, 0.5, 0.5) and preprocessing.working_side == 64
