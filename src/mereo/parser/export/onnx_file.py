"""A parser as one ONNX file that stands alone: refused by name, or traced, compared with the parser and written."""

from dataclasses import dataclass
from pathlib import Path

from mereo.atomic_files import write_bytes
from mereo.parser.export.onnx_check import Agreement, require_same_answers
from mereo.parser.export.onnx_graph import onnx_graph
from mereo.parser.export.onnx_libraries import require_onnx_libraries
from mereo.parser.export.refusals import require_exportable
from mereo.parser.scene_parser import SceneParser


@dataclass(frozen=True)
class OnnxParser:
    """The bytes of the file, and how near its answers are to the parser's."""

    content: bytes
    agreement: Agreement


def exported(parser: SceneParser) -> OnnxParser:
    """Answers have been compared when it returns."""
    require_onnx_libraries()
    require_exportable(parser)
    content: bytes = onnx_graph(parser).SerializeToString(deterministic=True)
    return OnnxParser(content, require_same_answers(parser, content))


def save_onnx(onnx_parser: OnnxParser, path: str | Path) -> Path:
    write_bytes(path, onnx_parser.content)
    return Path(path)
