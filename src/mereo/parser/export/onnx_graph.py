"""A parser as an ONNX graph: one for every size of picture and every batch, with nothing in it of the machine."""

import json
import logging
import operator
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx

from mereo.data.taxonomy_file import taxonomy_to_dict
from mereo.errors import BadInput, MereoError
from mereo.features.traced_sizes import TracedSizes
from mereo.parser.asking.answering import answering
from mereo.parser.export.exported_scores import ExportedScores, gives_probabilities
from mereo.parser.export.onnx_libraries import onnx_library
from mereo.parser.export.refusals import piece_name
from mereo.parser.model_card import ModelCard
from mereo.parser.scene_parser import SceneParser
from mereo.version import VERSION

FORMAT = "mereo-onnx-1"
OPSET = 18
INPUT, OUTPUT = "image", "scores"
INPUT_AXES = ("batch", 3, "height", "width")
# Sides that no stride divides, and maps larger than every grid that they are pooled to: where sides were alike or a
# side were 1, a tracer would take that for the rule. Nothing is computed at this size.
TRACED_SHAPE = (2, 3, 485, 677)


def onnx_graph(parser: SceneParser) -> Any:
    """An `onnx.ModelProto`."""
    onnx = onnx_library()
    model = _translated(parser, _traced(parser))
    read_middles(model)
    _without_traces(model)
    num_classes = parser.taxonomy.num_objects
    _name_axes(model.graph.input[0], INPUT_AXES)
    _name_axes(model.graph.output[0], ("batch", num_classes, "rows", "columns"))
    model.producer_name, model.producer_version = "mereo", VERSION
    onnx.helper.set_model_props(model, metadata_of(parser))
    return model


def metadata_of(parser: SceneParser) -> dict[str, str]:
    """What travels with the graph: each value is text or JSON. docs/export.md says what is where."""
    card, objects = parser.card or ModelCard(), parser.taxonomy.objects
    return {
        "card": _json(card.model_dump(mode="json")),
        "classes": _json(list(objects.names)),
        "format": FORMAT,
        "mereo_version": VERSION,
        "palette": _json(list(objects.colours)),
        "preprocessing": _json(parser.preprocessing.model_dump(mode="json")),
        "scores": "probabilities" if gives_probabilities(parser) else "logits",
        "taxonomy": _json(taxonomy_to_dict(parser.taxonomy)),
        "temperature": str(parser.temperature),
        "terms": card.terms,
        "terms_notice": card.terms_notice,
    }


def _traced(parser: SceneParser) -> torch.export.ExportedProgram:
    reached: list[str | int] = ["the picture"]
    image_BCHW = torch.zeros(TRACED_SHAPE, dtype=torch.uint8, device=parser.mean_311.device)
    any_size = torch.export.Dim.DYNAMIC
    with _told(lambda: piece_name(parser, reached[-1])), answering(parser), torch.no_grad():
        with TracedSizes():
            traced = torch.export.export(
                ExportedScores(parser, watch=reached.append).eval(),
                (image_BCHW,),
                dynamic_shapes={"image_BCHW": {0: any_size, 2: any_size, 3: any_size}},
                strict=False,
            )
    _divide_positives(traced.graph_module)
    return traced


def _translated(parser: SceneParser, traced: torch.export.ExportedProgram) -> Any:
    with _told(lambda: piece_name(parser, "the end")), torch.no_grad():
        program = torch.onnx.export(
            traced,
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            external_data=False,
            optimize=True,
            verbose=False,
        )
        if program is None:  # It is there with `dynamo`; type checkers cannot know.
            raise RuntimeError("torch.onnx.export gave no program")
        return program.model_proto


def _divide_positives(graph_module: fx.GraphModule) -> None:
    """ONNX divides whole numbers towards zero, Python downwards: -(-height // stride) would lose a row. A negative
    number that is divided becomes the positive one, rounded up: (-n) // d = -((n + d - 1) // d)."""
    graph = graph_module.graph
    for node in list(graph.nodes):
        if node.target is not operator.floordiv or not _is_negated(node.args[0]):
            continue
        positive, divisor = node.args[0].args[0], node.args[1]
        with graph.inserting_before(node):
            raised = graph.call_function(operator.add, (positive, graph.call_function(operator.sub, (divisor, 1))))
            quotient = graph.call_function(operator.neg, (graph.call_function(operator.floordiv, (raised, divisor)),))
        node.replace_all_uses_with(quotient)
        graph.erase_node(node)
    graph_module.recompile()


def _is_negated(value: Any) -> bool:
    return isinstance(value, fx.Node) and value.target is operator.neg


@contextmanager
def _told(where: Callable[[], str]) -> Iterator[None]:
    """torch raises whatever it met; all of it is explained and raised again. Its warnings are for its developers."""
    log = logging.getLogger("onnxscript")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MereoError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BadInput(
            f"a parser to export must be one graph for pictures of every size, but got: {reason} at {where()}; "
            "use another one, or serve this parser with mereo serve."
        ) from error
    finally:
        log.setLevel(level)


def read_middles(model: Any) -> None:
    """torch resizes a row of many pixels to one pixel by reading its middle; older translations read its first one."""
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Resize" and attribute.s == b"pytorch_half_pixel":
                attribute.s = b"half_pixel"


def _without_traces(model: Any) -> None:
    """torch notes for every operation which line of which file made it; the paths are those of this machine. Shapes in
    between are left out too: a runtime finds them itself, and there axes have names that say nothing."""
    graph = model.graph
    del graph.value_info[:]
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def _name_axes(value: Any, axes: tuple[str | int, ...]) -> None:
    for dimension, axis in zip(value.type.tensor_type.shape.dim, axes, strict=True):
        if isinstance(axis, int):
            dimension.dim_value = axis
        else:
            dimension.dim_param = axis


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True)
