"""What losses of recipes have in common: a name, a weight and one term; and how a loss balances classes."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from torch import Tensor, nn

from mereo.data.class_histogram import class_weights
from mereo.errors import BadInput
from mereo.parser.scene_parser import SceneParser
from mereo.strict import StrictConfig

# The field `class_balance` of a loss: any loss with a field of that name gets the training split's histogram.
ClassBalance = Annotated[float, Field(ge=0, le=1, description="class weight = frequency ** -class_balance, mean 1")]
NamedTerms = dict[str, tuple[nn.Module, float]]  # Of each term the module and the weight.


def balanced_weights(class_balance: float, pixels_K: Tensor | None) -> Tensor | None:
    if class_balance == 0:
        return None
    if pixels_K is None:
        raise BadInput("class_balance must have the training split's histogram, but got none; pass pixels_K.")
    return class_weights(pixels_K, power=class_balance)


class OneTermLoss(StrictConfig):
    """A loss that is one term, called as the loss itself."""

    if TYPE_CHECKING:  # Each loss declares them, in the order in which `mereo show` prints its fields.
        loss: str
        weight: float

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> nn.Module:
        raise NotImplementedError

    def terms(self, parser: SceneParser, pixels_K: Tensor | None) -> NamedTerms:
        return {self.loss: (self.build(parser, pixels_K), self.weight)}
