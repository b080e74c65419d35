"""Segments and vectors of any parser: those of its parse (`Parse.vectors`, of a head of sorted segments), or else the
pieces of its parse and the mean of its features over each.

Pieces are instances where the parser tells them apart, and connected pieces of each class. The features are the path's
last map of that same pass: what the parser's heads read.
"""

import hashlib
import json
from typing import Any

import numpy as np
import torch
from pydantic import Field
from scipy import ndimage

from mereo.assembly.parse import Parse
from mereo.assembly.parse_pieces import pieces_of
from mereo.errors import BadInput
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.divided_things import has_sorted_segments
from mereo.parser.asking.parsing import parse_image
from mereo.parser.scene_parser import SceneParser
from mereo.regions.segment_means import mean_over_segments
from mereo.retrieval.photograph_segments import NO_SEGMENT, PhotographSegments
from mereo.strict import StrictConfig

LEAST_SHARE = 0.0005
LEAST_PIXELS = 64


class ParseSegmentsConfig(StrictConfig):
    """How a parser's segments are made; an index keeps it, so that whoever asks the index does the same."""

    least_share: float = Field(LEAST_SHARE, ge=0, lt=1, description="of the photograph; smaller segments are left out")
    working_side: int | None = Field(None, ge=1, description="pixels; left out: the parser's own")

    def build(self, parser: SceneParser) -> "ParseSegments":
        return ParseSegments(parser, least_share=self.least_share, working_side=self.working_side)


class ParseSegments:
    """A `SegmentSource` over a SceneParser. Segments below `least_share` of the photograph are left out, but never the
    largest one: a photograph without a segment could not be told from one that was not looked at."""

    def __init__(
        self, parser: SceneParser, *, least_share: float = LEAST_SHARE, working_side: int | None = None
    ) -> None:
        if not 0 <= least_share < 1:
            raise BadInput(f"least_share must be from 0 to below 1, but got {least_share}; e.g. {LEAST_SHARE}.")
        self.parser, self.least_share, self.working_side = parser, least_share, working_side
        self.taxonomy = parser.taxonomy
        self.fingerprint = fingerprint_of(parser, least_share, working_side)

    def __call__(self, image_HWC: np.ndarray, *, name: str = "image") -> PhotographSegments:
        parse, features_Chw = self._parsed(image_HWC, name)
        piece_HW, class_index_M = pieces_of(parse) if parse.vectors is None else segments_of(parse)
        area_M = np.bincount(piece_HW.ravel(), minlength=len(class_index_M))
        is_kept_M = area_M >= max(LEAST_PIXELS, self.least_share * piece_HW.size)
        is_kept_M[area_M.argmax()] = True
        kept_N = np.flatnonzero(is_kept_M)
        kept_N = kept_N[np.argsort(-area_M[kept_N], kind="stable")]
        segment_HW = _renumbered(piece_HW, kept_N, len(class_index_M))
        if parse.vectors is None:
            mean_NC = mean_over_segments(features_Chw, segment_HW, len(kept_N))
        else:
            mean_NC = parse.vectors.vector_ND[kept_N].astype(np.float64)
        length_N = np.linalg.norm(mean_NC, axis=1)
        if not np.isfinite(length_N).all():
            raise BadInput(f"features must be finite, but got NaN or infinity in {name}; look at the parser's weights.")
        has_direction_N = length_N > 0  # Features that are all 0 point nowhere.
        if not has_direction_N.all():
            segment_HW = _renumbered(segment_HW, np.flatnonzero(has_direction_N), len(kept_N))
            kept_N, mean_NC, length_N = kept_N[has_direction_N], mean_NC[has_direction_N], length_N[has_direction_N]
        return PhotographSegments(
            vector_ND=(mean_NC / length_N[:, None]).astype(np.float32),
            class_index_N=class_index_M[kept_N],
            box_N4=_boxes(segment_HW, len(kept_N)),
            area_N=area_M[kept_N],
            segment_HW=segment_HW,
            label_HW=parse.semantic,
        )

    def _parsed(self, image_HWC: np.ndarray, name: str) -> tuple[Parse, np.ndarray]:
        """The parse and the features of the pass that it came from."""
        side = self.working_side
        answers = plain_answers(self.parser, image_HWC, name=name, working_side=side)
        parse = parse_image(self.parser, image_HWC, name=name, working_side=side, ready=answers)
        return parse, answers.features.last[0].float().cpu().numpy()


def segments_of(parse: Parse) -> tuple[np.ndarray, np.ndarray]:
    """As `pieces_of`, for `Parse.segments` in their order, that of `Parse.vectors`: instances, and whole classes."""
    number_of_class = np.full(parse.taxonomy.num_objects, NO_SEGMENT, dtype=np.int32)
    highest = 0 if parse.instances is None else int(parse.instances.max())
    number_of_id = np.full(highest + 1, NO_SEGMENT, dtype=np.int32)
    for number, segment in enumerate(parse.segments):
        if segment.instance_id:
            number_of_id[segment.instance_id] = number
        else:
            number_of_class[segment.class_index] = number
    number_HW = number_of_class[parse.semantic]
    if parse.instances is not None:
        number_HW = np.where(parse.instances > 0, number_of_id[parse.instances], number_HW)
    return number_HW, np.array([segment.class_index for segment in parse.segments], dtype=np.int32)


def fingerprint_of(parser: SceneParser, least_share: float, working_side: int | None) -> str:
    """Of the weights, the settings of what they are in, and how segments are made: equal vectors, equal word."""
    digest = hashlib.blake2b(digest_size=16)
    rules = (least_share, LEAST_PIXELS, working_side, parser.preprocessing.model_dump(mode="json"))
    kind = "parse vectors 2" if has_sorted_segments(parser) else "parse segments 2"
    digest.update(repr((kind, rules, parser.taxonomy.object_names)).encode())
    digest.update(json.dumps(_settings(parser), sort_keys=True).encode())
    for name, value in sorted(parser.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _settings(parser: SceneParser) -> list[tuple[str, dict[str, Any]]]:
    """Of backbone, stages and heads: what changes their answers and is in no weight, e.g. from where things merge.
    Defaults are left out: one that a later version brings changes no word."""
    if parser.config is None:
        return []
    config = parser.config.without_weights()
    parts = [("backbone", config.backbone)]
    parts += [(stage.stage, stage) for stage in config.path] + [(head.head, head) for head in config.heads]
    return [(name, part.model_dump(mode="json", exclude_defaults=True)) for name, part in parts]


def _renumbered(piece_HW: np.ndarray, kept_N: np.ndarray, num_pieces: int) -> np.ndarray:
    """The positions of pieces in `kept_N`; all others belong to no segment."""
    position_M = np.full(num_pieces + 1, NO_SEGMENT, dtype=np.int32)  # The last one is for pixels that had none before.
    position_M[kept_N] = np.arange(len(kept_N), dtype=np.int32)
    return position_M[piece_HW]


def _boxes(segment_HW: np.ndarray, num: int) -> np.ndarray:
    found = ndimage.find_objects(segment_HW + 1, max_label=num)
    return np.array([(xs.start, ys.start, xs.stop, ys.stop) for ys, xs in found], dtype=np.int32).reshape(num, 4)
