"""Backbones from timm: sizes for every image, weights that are really taken, and errors that say what to do."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import timm.models._builder
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from mereo.errors import BadEnvironment, BadInput
from mereo.features.timm_backbone import TimmBackbone, TimmBackboneConfig

SIZES = [(1, 1), (33, 129), (31, 7)]
NETWORKS = [
    ("mobilenetv2_100", 8, (16, 24, 32, 96, 320), (2, 4, 8, 8, 8)),
    ("mobilenetv2_100", 16, (16, 24, 32, 96, 320), (2, 4, 8, 16, 16)),
    ("mobilenetv2_100", 32, (16, 24, 32, 96, 320), (2, 4, 8, 16, 32)),
    ("mobilenetv2_100", None, (16, 24, 32, 96, 320), (2, 4, 8, 16, 32)),
    ("resnet18", None, (64, 64, 128, 256, 512), (2, 4, 8, 16, 32)),
    ("resnet18", 8, (64, 64, 128, 256, 512), (2, 4, 8, 8, 8)),
    ("convnext_atto", None, (40, 80, 160, 320), (4, 8, 16, 32)),
    ("convnext_atto", 16, (40, 80, 160, 320), (4, 8, 16, 16)),
    ("swin_tiny_patch4_window7_224", None, (96, 192, 384, 768), (4, 8, 16, 32)),
    ("vit_tiny_patch16_224", None, (192, 192, 192), (16, 16, 16)),
    ("hrnet_w18_small", None, (64, 16, 32, 64, 128), (2, 4, 8, 16, 32)),
    ("mobilevit_xxs", None, (16, 24, 48, 64, 320), (2, 4, 8, 16, 32)),  # `vit_` within a name makes no ViT.
]


@pytest.mark.parametrize(
    ("name", "output_stride", "channels", "strides"), NETWORKS, ids=[f"{row[0]}-{row[1]}" for row in NETWORKS]
)
def test_maps_have_the_announced_sizes(
    name: str, output_stride: int | None, channels: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    backbone = TimmBackbone(name, output_stride=output_stride).eval()
    assert (backbone.layout.channels, backbone.layout.strides) == (channels, strides)
    for height, width in SIZES:
        with torch.no_grad():
            features = backbone(torch.rand(1, 3, height, width))
        assert features.channels == channels
        assert features.strides == strides
        wanted = [(-(-height // stride), -(-width // stride)) for stride in strides]
        assert [tuple(feature_map.shape[-2:]) for feature_map in features.maps] == wanted
        assert all(feature_map.isfinite().all() for feature_map in features.maps)


def test_maps_lie_where_the_image_is() -> None:
    """A bright spot in a padded image must show at its own place, not shifted by the padding."""
    torch.manual_seed(0)
    backbone = TimmBackbone("test_convnext").eval()
    image_BCHW = torch.zeros(1, 3, 97, 33)
    spotted_BCHW = image_BCHW.clone()
    spotted_BCHW[..., 88:92, 4:8] = 3
    with torch.no_grad():
        change_hw = (backbone(spotted_BCHW).maps[0] - backbone(image_BCHW).maps[0]).abs().sum(dim=(0, 1))
    assert divmod(int(change_hw.argmax()), change_hw.shape[1]) == (22, 1)


def test_asking_for_sizes_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    plain = timm.create_model("test_efficientnet", features_only=True)
    after_plain = torch.rand(1)
    torch.manual_seed(3)
    backbone = TimmBackbone("test_efficientnet")
    assert torch.equal(torch.rand(1), after_plain)  # What is built after it starts from the same random numbers.
    assert backbone.network.training
    for key, value in plain.state_dict().items():
        assert torch.equal(backbone.network.state_dict()[key], value)


def whole_model(name: str, path: Path) -> Path:
    torch.manual_seed(7)
    save_file(timm.create_model(name).state_dict(), path)
    return path


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet", "test_convnext", "test_vit"])
def test_weights_of_a_file_are_all_taken(name: str, tmp_path: Path) -> None:
    path = whole_model(name, tmp_path / "whole.safetensors")
    in_file = {key.replace(".", "_"): value for key, value in load_file(path).items()}
    torch.manual_seed(8)
    backbone = TimmBackbone(name, weights=path)
    for key, value in backbone.network.state_dict().items():
        assert torch.equal(value, in_file[key.removeprefix("model.").replace(".", "_")]), key
    assert "state_dict" not in backbone.network.pretrained_cfg  # Else all weights would be kept twice.


def test_the_shared_imagenet_weights_bit_for_bit(shared_folder: Path) -> None:
    path = shared_folder / "weights" / "mobilenetv2_100.safetensors"
    if not path.is_file():
        pytest.skip("no ImageNet weights in the shared folder")
    tensors = load_file(path)
    state = TimmBackbone("mobilenetv2_100", output_stride=16, weights=path).network.state_dict()
    assert len(state) == 306
    for key, value in state.items():
        assert torch.equal(value, tensors[key].to(value.dtype)), key
        assert value.dtype in (torch.float32, torch.int64)


@pytest.mark.parametrize(
    ("name", "of_file"),
    [("resnet34", "resnet18"), ("test_vit", "test_resnet"), ("test_efficientnet", "test_resnet")],
    ids=str,
)
def test_weights_of_another_network(name: str, of_file: str, tmp_path: Path) -> None:
    path = whole_model(of_file, tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match=f"backbone weights must fit {name}, but got.*other.safetensors; pass the weigh"):
        TimmBackbone(name, weights=path)


def broken(what: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        tensors = timm.create_model("test_resnet").state_dict()
        what(tensors)
        save_file(tensors, path)

    return write


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "absent": (lambda path: None, "must be 'hub' or a safetensors file, but got .*bad.safetensors'; check the path"),
    "folder": (lambda path: path.mkdir(), "must be 'hub' or a safetensors file, but got"),
    "empty": (
        lambda path: path.write_bytes(b""),
        "must be a whole safetensors file, but got: .*bad.safetensors; get it anew, or convert it",
    ),
    "pickle": (
        lambda path: path.write_bytes(pickle.dumps({"a": 1})),
        "must be a whole safetensors file, but got: .*bad.safetensors; get it anew, or convert it",
    ),
    "nan": (
        broken(lambda t: t["conv1.0.weight"].view(-1)[3:4].fill_(torch.nan)),
        "NaN or infinity at conv1.0.weight in",
    ),
    "infinity": (broken(lambda t: t["bn1.running_var"][:1].fill_(torch.inf)), "NaN or infinity at bn1.running_var in"),
    "missing": (
        broken(lambda t: [t.pop(key) for key in list(t) if key.startswith("layer3")]),
        "must fit test_resnet, but got",
    ),
    "shape": (broken(lambda t: t.update({"conv1.0.weight": torch.zeros(1, 1, 3, 3)})), "must fit test_resnet, but got"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_weights(kind: str, tmp_path: Path) -> None:
    write, match = BAD_FILES[kind]
    path = tmp_path / "bad.safetensors"
    write(path)
    with pytest.raises(BadInput, match=match):
        TimmBackbone("test_resnet", weights=str(path))


def test_a_path_longer_than_the_machine_allows() -> None:
    with pytest.raises(BadInput, match="must be 'hub' or a safetensors file"):
        TimmBackbone("test_resnet", weights="x" * 5000)


def test_hub_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise LocalEntryNotFoundError("cannot reach the hub")

    # Whatever way timm takes to the network: all of them are closed.
    monkeypatch.setattr("timm.models._hub.hf_hub_download", refuse)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", refuse)
    match = "weights of test_resnet must be downloadable, but got: cannot reach the hub; pass a safetensors file"
    with pytest.raises(BadEnvironment, match=match):
        TimmBackbone("test_resnet", weights="hub")


@pytest.mark.parametrize("error", [ConnectionError("refused"), RuntimeError("proxy"), TimeoutError()], ids=repr)
def test_hub_that_fails_in_other_ways(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(timm.models._builder, "load_pretrained", refuse)
    with pytest.raises(BadEnvironment, match="weights of test_resnet must be downloadable, but got: "):
        TimmBackbone("test_resnet", weights="hub")


def test_hub_without_such_weights() -> None:
    with pytest.raises(BadInput, match="backbone mobilenetv2_035 must have weights in timm's hub, but got none"):
        TimmBackbone("mobilenetv2_035", weights="hub")


@pytest.mark.parametrize(
    ("name", "hint"), [("mobilenetv2_10", "did you mean .*mobilenetv2_100"), ("%%", "see timm.list_models")]
)
def test_unknown_network(name: str, hint: str) -> None:
    with pytest.raises(BadInput, match=f"backbone must be a timm model, but got '{name}'; {hint}"):
        TimmBackbone(name)


@pytest.mark.parametrize("weights", [None, "hub"])
def test_output_stride_that_a_network_refuses(weights: str | None) -> None:
    # Also where weights are wanted: the stride is to blame, not they.
    with pytest.raises(BadInput, match="backbone test_vit must take the wanted output_stride, but got a refusal of 8"):
        TimmBackbone("test_vit", output_stride=8, weights=weights)


def test_network_of_one_size_only() -> None:
    with pytest.raises(BadInput, match="backbone mixer_s16_224 must take images of any size, but got: Input height"):
        TimmBackbone("mixer_s16_224")


def test_network_without_feature_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("features_only not implemented")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(BadInput, match="backbone test_resnet must give feature maps, but got: features_only not impl"):
        TimmBackbone("test_resnet")


def test_network_whose_maps_are_not_where_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    real = TimmBackbone._maps
    monkeypatch.setattr(
        TimmBackbone, "_maps", lambda self, image_BCHW: [F[..., :-1, :] for F in real(self, image_BCHW)]
    )
    with pytest.raises(BadInput, match="must take images of any size, but got: maps of .* at strides"):
        TimmBackbone("test_resnet")


def test_mean_and_std_are_the_networks_own() -> None:
    assert TimmBackbone("test_convnext").mean == (0.5, 0.5, 0.5)
    assert TimmBackbone("test_efficientnet").std == (0.229, 0.224, 0.225)


def test_config_builds_what_it_says() -> None:
    backbone = TimmBackboneConfig(name="test_resnet", output_stride=8).build()
    assert backbone.layout.strides == (2, 4, 8, 8, 8)
