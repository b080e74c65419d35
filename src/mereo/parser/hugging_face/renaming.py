"""Names of a Hugging Face checkpoint's tensors -> names of Mereo's: how rules are applied.

A rule is a pattern of a whole name and what it becomes; the first rule that fits is taken. transformers has changed
some names over the years and reads all of them; the rules know both spellings.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from mereo.errors import BadInput

Becomes = str | Callable[[re.Match[str]], str]
Rule = tuple[str, Becomes]
QUERY_KEY_VALUE = ("query", "key", "value")
# Kept for training or for a classifier, or counted anew: nothing of an answer depends on them.
LEFT_OUT = (
    r"criterion\..*",
    r"auxiliary_head\..*",
    r".*relative_position_index",
    r"(model\.pixel_level_module\.encoder|backbone)\.((swin|model)\.)?layernorm\..*",
)


def shifted(template: str, by: int) -> Callable[[re.Match[str]], str]:
    """The template with `#` for the first group plus `by`; other groups as \\2, ..."""
    return lambda found: found.expand(template.replace("#", str(int(found.group(1)) + by)))


def behind(theirs: str, ours: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The same rules behind a pattern (without groups) in their names and a prefix in ours."""

    def prefixed(becomes: Becomes) -> Becomes:
        return ours + becomes if isinstance(becomes, str) else lambda found: ours + becomes(found)

    return tuple((theirs + pattern, prefixed(becomes)) for pattern, becomes in rules)


def renamed(tensors: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Every tensor under its new name; a name that no rule knows is an error."""
    answer: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if any(re.fullmatch(pattern, name) for pattern in LEFT_OUT):
            continue
        for pattern, becomes in rules:
            found = re.fullmatch(pattern, name)
            if found is not None:
                answer[found.expand(becomes) if isinstance(becomes, str) else becomes(found)] = value
                break
        else:
            raise BadInput(
                f"tensors of a checkpoint must be known to Mereo, but got {name!r:.120}; this variant of the "
                "architecture is not supported."
            )
    return cut_parts(joined_parts(answer))


def joined_parts(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`name#0`, `name#1`, ... one below the other as `name`."""
    answer: dict[str, Tensor] = {}
    parts: dict[str, dict[int, Tensor]] = {}
    for name, value in tensors.items():
        whole, is_part, number = name.partition("#")
        if is_part:
            parts.setdefault(whole, {})[int(number)] = value
        else:
            answer[name] = value
    return answer | {name: torch.cat([one[key] for key in sorted(one)]) for name, one in parts.items()}


def cut_parts(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A name with `@` is query, key and value one below the other."""
    answer: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if "@" in name:
            answer |= {name.replace("@", part): cut for part, cut in zip(QUERY_KEY_VALUE, value.chunk(3))}
        else:
            answer[name] = value
    return answer
