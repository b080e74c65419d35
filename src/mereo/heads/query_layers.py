"""What decoders of queries are made of: attention, feed-forward, perceptron; a residual and a norm around each.

Vaswani et al. 2017, "Attention is all you need", section 3; positions are added to queries and keys, never to values,
as in Carion et al. 2020, "End-to-end object detection with transformers", section A.3.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mereo.errors import BadInput


class HeadedAttention(nn.Module):
    """Several heads of scaled dot-product attention with their four projections."""

    def __init__(self, width: int, *, num_heads: int) -> None:
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise BadInput(f"width must be a multiple of its {num_heads} heads, but got {width}; change one of them.")
        self.num_heads = num_heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self, query_BQC: Tensor, key_BPC: Tensor, value_BPC: Tensor, may_see_BQP: Tensor | None = None
    ) -> Tensor:
        """`may_see_BQP` (bool) says which pixels a query may look at; each query must see at least one."""
        answer_BGQD = F.scaled_dot_product_attention(
            self._heads(self.query(query_BQC)),
            self._heads(self.key(key_BPC)),
            self._heads(self.value(value_BPC)),
            attn_mask=None if may_see_BQP is None else may_see_BQP[:, None],
        )
        return self.out(answer_BGQD.transpose(1, 2).flatten(2))

    def _heads(self, tokens_BPC: Tensor) -> Tensor:
        return tokens_BPC.unflatten(2, (self.num_heads, -1)).transpose(1, 2)


class AmongQueries(nn.Module):
    """Self-attention: queries look at each other."""

    def __init__(self, width: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = HeadedAttention(width, num_heads=num_heads)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(self, query_BQC: Tensor, place_BQC: Tensor) -> Tensor:
        placed_BQC = query_BQC + place_BQC
        return self.norm(query_BQC + self.dropout(self.attention(placed_BQC, placed_BQC, query_BQC)))


class IntoPixels(nn.Module):
    """Cross-attention: queries look at pixels."""

    def __init__(self, width: int, *, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = HeadedAttention(width, num_heads=num_heads)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(
        self,
        query_BQC: Tensor,
        place_BQC: Tensor,
        pixels_BPC: Tensor,
        positions_PC: Tensor,
        may_see_BQP: Tensor | None = None,
    ) -> Tensor:
        seen_BQC = self.attention(query_BQC + place_BQC, pixels_BPC + positions_PC, pixels_BPC, may_see_BQP)
        return self.norm(query_BQC + self.dropout(seen_BQC))


class FeedForward(nn.Module):
    def __init__(self, width: int, *, inner_width: int, dropout: float) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, inner_width), nn.Linear(inner_width, width)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(self, tokens_BPC: Tensor) -> Tensor:
        return self.norm(tokens_BPC + self.dropout(self.narrow(F.relu(self.widen(tokens_BPC)))))


class Perceptron(nn.Sequential):
    """Three linear layers with ReLU between: from a query to the vector that its mask's pixels answer to."""

    def __init__(self, width: int, out_width: int) -> None:
        super().__init__(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, out_width)
        )
