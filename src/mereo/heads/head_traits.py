"""What a head says of itself in attributes of these names. Any module may be a head; what is not said is as here."""

from dataclasses import dataclass, fields
from typing import Any

from torch import nn


@dataclass(frozen=True)
class HeadTraits:
    """`says_classes`: its prediction has `class_scores()`. `size_multiple`: of which number the sides of a picture must
    be multiples. `why_no_graph`: why it cannot be exported, where it cannot."""

    says_classes: bool = False
    size_multiple: int = 1
    why_no_graph: str | None = None


def traits_of(head: nn.Module) -> HeadTraits:
    said: dict[str, Any] = {one.name: getattr(head, one.name) for one in fields(HeadTraits) if hasattr(head, one.name)}
    return HeadTraits(**said)
