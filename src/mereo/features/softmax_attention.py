"""Attention written out: a softmax over products of queries and keys weighs the values. In float32 at least."""

import torch
from torch import Tensor

from mereo.shapes import require_shapes


def attended(query_BCN: Tensor, key_BCM: Tensor, value_BDM: Tensor) -> tuple[Tensor, Tensor]:
    """What each of N tokens gathers from M others (B D N), and the weights of it (B N M, each row sums to 1).

    The products are not scaled; who wants them scaled scales the queries. All N x M weights are in memory, as in the
    papers that use it. A softmax over thousands of pixels needs more than half precision, whatever autocast says.

    >>> attended(torch.tensor([[[0.0]]]), torch.tensor([[[5.0, 7.0]]]), torch.tensor([[[1.0, 2.0]]]))[0].tolist()
    [[[1.5]]]
    """
    require_shapes(query_BCN=query_BCN, key_BCM=key_BCM, value_BDM=value_BDM)
    with torch.autocast(query_BCN.device.type, enabled=False):
        wide = torch.promote_types(query_BCN.dtype, torch.float32)
        weight_BNM = (query_BCN.to(wide).transpose(1, 2) @ key_BCM.to(wide)).softmax(dim=2)
        return value_BDM.to(wide) @ weight_BNM.transpose(1, 2), weight_BNM
