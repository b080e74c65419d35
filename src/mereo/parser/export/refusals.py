"""Which parsers can be one graph, and by what name a piece that cannot is refused, before any work."""

from torch import nn

from mereo.errors import BadInput
from mereo.features.stage import wish_of
from mereo.heads.head_traits import traits_of
from mereo.heads.semantic_pyramid import SemanticPyramid
from mereo.parser.scene_parser import SceneParser

MAX_WEIGHT_BYTES = 2_000_000_000  # A message of protobuf holds less than 2 GiB; what is around weights is small.
REMEDY = (
    "export a parser whose heads are pixel_classes, semantic_pyramid or perceptual, or serve this one with mereo serve"
)


def require_exportable(parser: SceneParser) -> None:
    """Every piece must be operations on tensors, the same ones for all pictures."""
    for name, stage in zip(stage_names(parser), parser.path):
        if wish_of(stage) is not None:
            raise _refusal(
                f"the stage {name} (superpixels are found outside of the network)",
                "export a parser without it, or serve this one with mereo serve",
            )
    for name, head in zip(head_names(parser), parser.heads):
        traits = traits_of(head)
        reason = traits.why_no_graph or (None if traits.says_classes else "it does not say classes")
        if reason is not None:
            raise _refusal(f"the head {name} ({reason})", REMEDY)
    num_bytes = sum(weight.numel() * weight.element_size() for weight in parser.state_dict().values())
    if num_bytes > MAX_WEIGHT_BYTES:
        raise BadInput(
            f"the weights of a parser to export must fit into one ONNX file of {MAX_WEIGHT_BYTES / 1e9:g} GB, but got "
            f"{num_bytes / 1e9:.2g} GB; use a smaller network."
        )


def left_out(parser: SceneParser) -> list[str]:
    """What a parse by this parser says and the exported file does not."""
    first, *others = parser.heads
    tasks = {"part": "parts", "material": "materials", "texture": "textures", "scene": "scenes"}
    missing = [name for task, name in tasks.items() if getattr(first, task, None) is not None]
    if isinstance(first, SemanticPyramid) and first.unity is not None:
        missing.append("the level that answers")
    missing += [f"the head {name}" for name in head_names(parser)[1:]] if others else []
    return [*missing, "the warning at unfamiliar photographs"] if parser.familiarity is not None else missing


def stage_names(parser: SceneParser) -> list[str]:
    """As a recipe has them; of a parser composed in Python the names of the classes."""
    if parser.config is None:
        return [_class_name(stage) for stage in parser.path]
    return [stage.stage for stage in parser.config.path]


def head_names(parser: SceneParser) -> list[str]:
    if parser.config is None:
        return [_class_name(head) for head in parser.heads]
    return [head.head for head in parser.config.heads]


def piece_name(parser: SceneParser, piece: str | int) -> str:
    """What `ExportedScores` has last told its `watch`, by its own name."""
    if isinstance(piece, int):
        return f"the stage {stage_names(parser)[piece]}"
    if piece == "the head":
        return f"the head {head_names(parser)[0]}"
    if piece == "the end":  # What is found only when all is traced may be the fault of each.
        pieces: list[str | int] = ["the backbone", *range(len(parser.path)), "the head"]
        return ", ".join(piece_name(parser, one) for one in pieces)
    name = _class_name(parser.backbone) if parser.config is None else parser.config.backbone.name
    return f"the backbone {name}" if piece == "the backbone" else piece


def _class_name(module: nn.Module) -> str:
    return type(module).__name__


def _refusal(piece: str, remedy: str) -> BadInput:
    return BadInput(
        f"a parser to export must be the same operations on tensors for every picture, but got {piece}; {remedy}."
    )
