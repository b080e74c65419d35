"""Message convolution: a node adds what others send, weighted, to what it is, and changes its state.

Deep grouping (DGM), equation 6 after GraphSAGE (Hamilton, Ying, Leskovec 2017), with "L2 normalisation and ReLU" of
section 5.2 in place of the sigmoid beside the equation.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.shapes import require_shapes


class MessageConvolution(nn.Module):
    """relu(normalise(W (own + weight @ senders) + b)): "I + A" in equations 5, 10 and 11 is own + messages."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.state = nn.Linear(width, width)

    def forward(self, own_BRC: Tensor, senders_BSC: Tensor, weight_BRS: Tensor) -> Tensor:
        require_shapes(own_BRC=own_BRC, senders_BSC=senders_BSC, weight_BRS=weight_BRS)
        heard_BRC = own_BRC + weight_BRS @ senders_BSC
        return torch.relu(F.normalize(self.state(heard_BRC), dim=2))
