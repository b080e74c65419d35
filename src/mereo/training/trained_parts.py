"""Training some parts of a parser alone: all the rest keeps its weights and its running statistics to the bit.

"When training the texture classification task, the model's parameters are fixed except the texture classification
branch" (deep grouping, DGM, section 5.2).
"""

from collections.abc import Sequence
from types import MethodType

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mereo.errors import BadInput, did_you_mean


def train_only(parser: nn.Module, objective: nn.Module, names: Sequence[str], *, frozen_norms: bool = False) -> None:
    """Freezes whatever is not one of `names` or inside of it, for good: without gradients, and in evaluation mode
    however often somebody calls `train()`. No names: everything is trained.

    What holds a trained part is frozen itself: a stage that draws numbers in training shall not draw for its sake.
    `frozen_norms`: batch norms stay in evaluation mode, too, wherever they are; their weights and biases learn.
    """
    for module in parser.modules() if frozen_norms else ():
        if isinstance(module, _BatchNorm):
            module.train = MethodType(_train_what_is_inside, module)  # type: ignore[method-assign]
    if not names:
        return
    require_parts(parser, names)
    for name, parameter in parser.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and _is_trained(name, names))
    objective.requires_grad_(False)
    frozen = [module for name, module in parser.named_modules() if not _is_trained(name, names)]
    for module in [*frozen, *objective.modules()]:
        module.train = MethodType(_train_what_is_inside, module)  # type: ignore[method-assign]


def require_parts(parser: nn.Module, names: Sequence[str]) -> None:
    """Every name must lead to a parameter that learns."""
    known: dict[str, None] = {}
    for full, parameter in parser.named_parameters():
        steps = full.split(".")
        if parameter.requires_grad:
            known |= dict.fromkeys(".".join(steps[:count]) for count in range(1, len(steps) + 1))
    for name in names:
        if name not in known:
            hint = did_you_mean(name, list(known), otherwise=f"e.g. {', '.join(list(known)[:3])}.")
            raise BadInput(f"training.only must name parts of the parser that learn, but got {name!r:.200}; {hint}")


def _is_trained(name: str, names: Sequence[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in names)


def _train_what_is_inside(self: nn.Module, mode: bool = True) -> nn.Module:
    type(self).train(self, mode)
    self.training = False
    return self
