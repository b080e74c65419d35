"""Graph convolution over a fixed number of nodes, with learned edges: nodes hear each other, then change their states.

Chen, Rohrbach, Yan, Yan, Feng, Kalantidis 2019, "Graph-based global reasoning networks", section 3.3.
"""

import torch
from torch import Tensor, nn

from mereo.shapes import require_shapes


class GraphConvolution(nn.Module):
    """Z = relu((I - A) V) W. `edges` is I - A without its identity: what a node hears is added to what it is."""

    def __init__(self, num_nodes: int, width: int) -> None:
        super().__init__()
        self.edges = nn.Linear(num_nodes, num_nodes, bias=False)
        self.states = nn.Linear(width, width, bias=False)

    def forward(self, nodes_BKD: Tensor) -> Tensor:
        require_shapes(nodes_BKD=nodes_BKD)
        heard_BKD = self.edges(nodes_BKD.transpose(1, 2)).transpose(1, 2)
        answer_BKD: Tensor = self.states(torch.relu(nodes_BKD + heard_BKD))
        return answer_BKD
