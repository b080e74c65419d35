"""The exported graph: what it says of itself, what it does not say, and what is told when there can be none."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_instance_parser import tiny_source
from tiny_parser import TAXONOMY, tiny_parser
from tiny_traced_parser import traced_parser
from torch import nn

from mereo.data.taxonomy_file import taxonomy_from_dict
from mereo.errors import BadEnvironment, BadInput
from mereo.features.conv_3x3 import SMALLEST_SIDE
from mereo.features.dilated_depthwise import DilatedDepthwise
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import Stage
from mereo.heads.pixel_classes import PixelClasses
from mereo.parser.export import onnx_graph
from mereo.parser.export.exported_scores import ExportedScores
from mereo.parser.export.onnx_check import answered, session_of
from mereo.parser.export.onnx_file import OnnxParser, exported
from mereo.parser.export.onnx_graph import INPUT, OPSET, OUTPUT, TRACED_SHAPE
from mereo.parser.model_card import ModelCard
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser


@pytest.fixture(scope="module")
def parser() -> SceneParser:
    parser = tiny_parser("upernet", preprocessing={"working_side": 96}, temperature=1.5)
    parser.card = ModelCard(title="Tiny", terms="for any use", terms_notice="naïve weights")
    return parser


@pytest.fixture(scope="module")
def made(parser: SceneParser) -> OnnxParser:
    return exported(parser)


@pytest.mark.slow
def test_the_class_list_and_the_terms_travel_with_the_graph(parser: SceneParser, made: OnnxParser) -> None:
    facts = session_of(made.content).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == ["sky", "road", "car"]
    assert json.loads(facts["palette"]) == list(TAXONOMY.objects.colours)
    assert PreprocessingConfig.model_validate(json.loads(facts["preprocessing"])) == parser.preprocessing
    assert taxonomy_from_dict(json.loads(facts["taxonomy"])) == TAXONOMY
    assert (facts["terms"], facts["terms_notice"]) == ("for any use", "naïve weights")
    assert json.loads(facts["card"])["title"] == "Tiny"
    assert (facts["scores"], facts["temperature"], facts["format"]) == ("logits", "1.5", "mereo-onnx-1")


@pytest.mark.slow
def test_one_graph_takes_every_batch_height_and_width(made: OnnxParser) -> None:
    session = session_of(made.content)
    (image,), (scores,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == (INPUT, "tensor(uint8)", ["batch", 3, "height", "width"])
    assert (scores.name, scores.type, scores.shape) == (OUTPUT, "tensor(float)", ["batch", 3, "rows", "columns"])


@pytest.mark.slow
def test_the_graph_is_whole_and_knows_nothing_of_the_machine(made: OnnxParser) -> None:
    import onnx

    model = onnx.load_from_string(made.content)
    onnx.checker.check_model(model, full_check=True)
    assert {(one.domain, one.version) for one in model.opset_import} == {("", OPSET)}
    assert not model.functions and {node.domain for node in model.graph.node} == {""}
    text = made.content.decode("latin-1")
    for trace in (str(Path(torch.__file__).parent), "site-packages", "/mereo/"):
        assert trace not in text


def test_equal_parsers_are_equal_files() -> None:
    assert exported(traced_parser()).content == exported(traced_parser()).content


def test_the_parser_is_as_it_was() -> None:
    parser = traced_parser().train()
    onnx_graph.onnx_graph(parser)
    assert parser.training
    assert all(weight.requires_grad for weight in parser.parameters())


def test_a_row_that_becomes_one_pixel_is_its_middle() -> None:
    """As older versions of onnxscript wrote it."""
    from onnx import TensorProto, checker, helper, numpy_helper

    sizes = numpy_helper.from_array(np.array([1, 1, 1, 1], dtype=np.int64), "sizes")
    resize = helper.make_node(
        "Resize",
        [INPUT, "", "", "sizes"],
        [OUTPUT],
        mode="linear",
        coordinate_transformation_mode="pytorch_half_pixel",
    )
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, n]) for name, n in ((INPUT, 7), (OUTPUT, 1))
    ]
    graph = helper.make_graph([resize], "resize", ends[:1], ends[1:], [sizes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(model)
    row_1117 = np.arange(7, dtype=np.float32).reshape(1, 1, 1, 7)
    assert answered(session_of(model.SerializeToString()), row_1117).item() == 0
    onnx_graph.read_middles(model)
    assert answered(session_of(model.SerializeToString()), row_1117).item() == pytest.approx(3)


@pytest.mark.slow
@pytest.mark.parametrize("has_gradient", [False, True])
def test_our_own_backward_passes_are_left_out(has_gradient: bool) -> None:
    """A wide 3x3 and a dilated depthwise convolution, on maps large enough for both."""
    parser = tiny_source({"stage": "feature_pyramid", "width": 8}, output_stride=8)
    assert any(isinstance(module, DilatedDepthwise) for module in parser.modules())
    assert TRACED_SHAPE[2] // 4 >= SMALLEST_SIDE
    with torch.set_grad_enabled(has_gradient):
        traced = torch.export.export(
            ExportedScores(parser).eval(),
            (torch.zeros(TRACED_SHAPE, dtype=torch.uint8),),
            dynamic_shapes={"image_BCHW": {0: torch.export.Dim.DYNAMIC}},
            strict=False,
        )
    names = {str(node.target) for node in traced.graph.nodes if node.op == "call_function"}
    assert "aten.conv2d.default" in names
    assert not [name for name in names if not name.startswith(("aten.", "<built-in", "_operator", "sym_"))]


class LooksAtTheNumbers(Stage):
    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        return features.with_last(features.last * 2) if features.last.mean() > 0 else features


def test_a_stage_that_looks_at_the_numbers_is_named() -> None:
    built = traced_parser()
    stage = LooksAtTheNumbers(built.path[-1].layout)
    parser = SceneParser(built.backbone, [*built.path, stage], list(built.heads), taxonomy=TAXONOMY)
    with pytest.raises(BadInput, match="one graph for pictures of every size, but got: .* at the stage LooksAtTheNumb"):
        onnx_graph.onnx_graph(parser)


class OneSize(nn.Module):
    def forward(self, image_BCHW: torch.Tensor) -> FeatureMaps:
        return FeatureMaps((image_BCHW.reshape(TRACED_SHAPE),), (1,))


def test_a_network_that_wants_one_size_is_named() -> None:
    head = PixelClasses(FeatureLayout((3,), (1,)), num_classes=3)
    parser = SceneParser(OneSize(), [], [head], taxonomy=TAXONOMY)
    with pytest.raises(BadInput, match="one graph for pictures of every size, but got: .* OneSize"):
        onnx_graph.onnx_graph(parser)


def test_what_the_translation_lacks_is_told_with_all_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: Any, **__: Any) -> None:
        raise NotImplementedError("no such operation")

    monkeypatch.setattr(onnx_graph, "_traced", lambda parser: None)
    monkeypatch.setattr(torch.onnx, "export", lacking)
    pieces = "at the backbone test_efficientnet, the stage projection, the head pixel_classes"
    with pytest.raises(BadInput, match=f"but got: no such operation {pieces}"):
        onnx_graph.onnx_graph(tiny_parser())
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: None)
    with pytest.raises(BadInput, match="torch.onnx.export gave no program"):
        onnx_graph.onnx_graph(tiny_parser())


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_told_before_any_work(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadEnvironment, match=rf"but got no {package}; pip install 'mereo\[export\]'"):
        exported(tiny_parser())
