"""Photographs that wait together and that a parser sees at one size go through its network in one batch.

What the network says is cut into answers of single images, and each becomes a parse as it would have alone. Photographs
of a parser that groups superpixels go one by one: sums of a batch run in another order, and where two groups are almost
alike rounding decides which one is nearer. What a click reaches must not depend on who else is waiting. If a batch
cannot go through, for want of memory or because a stage of somebody's own leaves what cannot be cut, its photographs go
one by one, too.
"""

import logging
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.interaction.any_hierarchy import hierarchy_of
from mereo.parser.asking.answering import answering, seen_size
from mereo.parser.asking.answers_of_one import answers_of_one
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.asking.parsing import parse_image
from mereo.parser.scene_parser import SceneAnswers, SceneParser

LOG = logging.getLogger("mereo")


@dataclass(frozen=True, eq=False)
class ParseOrder:
    """`name` is the photograph's."""

    parser_name: str
    parser: SceneParser
    image_HWC: np.ndarray
    name: str


@dataclass(frozen=True, eq=False)
class FilledOrder:
    """`seconds`: from the network's begin to the groups; of a batch each photograph's share of the network."""

    parse: Parse
    groups: GroupedPhotograph
    seconds: float


def batch_key(order: ParseOrder) -> Hashable:
    """Photographs with one key may go through the network together; None: each goes alone."""
    if order.parser.superpixel_wish is not None:
        return None
    return order.parser_name, seen_size(order.parser, order.image_HWC)


def filled_orders(orders: Sequence[ParseOrder]) -> list[FilledOrder | Exception]:
    """All of one key."""
    start = time.perf_counter()
    parser = orders[0].parser
    answers: list[SceneAnswers | None] = [None] * len(orders)
    try:
        answers = _answers_together(parser, [one.image_HWC for one in orders]) if len(orders) > 1 else answers
    except Exception as error:  # Alone, each tells its own.
        LOG.warning("%d photographs go one by one: %s", len(orders), type(error).__name__)
    share = (time.perf_counter() - start) / len(orders)
    filled: list[FilledOrder | Exception] = []
    for order, ready in zip(orders, answers):
        begin = time.perf_counter()
        try:
            parse = parse_image(parser, order.image_HWC, name=order.name, with_confidence=True, ready=ready)
            filled.append(FilledOrder(parse, hierarchy_of(parse), share + time.perf_counter() - begin))
        except Exception as error:  # One photograph's failure is not the others'.
            filled.append(error)
    return filled


@torch.inference_mode()
def _answers_together(parser: SceneParser, images: Sequence[np.ndarray]) -> list[SceneAnswers | None]:
    prepared = [prepared_image(parser, image_HWC, seen_size(parser, image_HWC)).float() for image_HWC in images]
    with answering(parser):
        answers = parser(torch.cat(prepared))
    return [answers_of_one(answers, index) for index in range(len(images))]
