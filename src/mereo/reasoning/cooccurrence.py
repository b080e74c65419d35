"""Which classes occur together, counted over label maps; and the affinity that follows (equation 1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

Normalisation = Literal["target", "source"]


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """`counts_KK[i, j]`: images that hold both classes i and j; the diagonal: images that hold the class at all.

    `source` says which data was counted; of counts that were read from a file it is the file's path.
    """

    counts_KK: Tensor
    class_names: tuple[str, ...]
    num_images: int
    source: str = ""

    def require_classes(self, class_names: Iterable[str]) -> None:
        wanted = tuple(class_names)
        if wanted != self.class_names:
            wrong = next(
                (pair for pair in zip(wanted, self.class_names) if pair[0] != pair[1]),
                (f"{len(wanted)} classes", f"{len(self.class_names)} classes"),
            )
            raise BadInput(
                f"class counts must be of the parser's classes, but got {wrong[1]!r} where the parser has {wrong[0]!r}"
                f"{f' in {self.source}' if self.source else ''}; count anew with `mereo data affinity`."
            )


def count_cooccurrence(label_maps: Iterable[Tensor], num_classes: int, *, ignore_label: int = 255) -> Tensor:
    """t_ij: the number of label maps (each H W) that hold class i and class j, K K int64. Any other id is refused.

    >>> count_cooccurrence([torch.tensor([[0, 1]]), torch.tensor([[0, 255]])], 2).tolist()
    [[2, 1], [1, 1]]
    """
    counts_KK = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for number, label_HW in enumerate(label_maps):
        present = present_classes(label_HW, num_classes, ignore_label=ignore_label, what=f"label map {number}")
        counts_KK[present[:, None], present] += 1
    return counts_KK


def present_classes(label_HW: Tensor, num_classes: int, *, ignore_label: int, what: str) -> Tensor:
    label_P = torch.as_tensor(label_HW).as_subclass(Tensor).flatten().long()
    label_P = label_P[label_P != ignore_label]
    if len(label_P) and not 0 <= int(label_P.min()) <= int(label_P.max()) < num_classes:
        raise BadInput(
            f"labels must be 0 to {num_classes - 1} or {ignore_label}, but got {int(label_P.min())} to "
            f"{int(label_P.max())} in {what}; mend the label table."
        )
    return label_P.bincount(minlength=num_classes).nonzero()[:, 0]


def class_affinity(
    cooccurrence_KK: Tensor, *, normalise: Normalisation = "target", dtype: torch.dtype = torch.float64
) -> Tensor:
    """f_ij, K K: how strongly class i speaks for class j; 1 on the diagonal.

    `target`, as the formula is printed: the sources i of a target j sum to 1. `source`, as the prose reads ("aeroplane
    strongly supports sky"): what a source i gives to all targets sums to 1. A class that never meets another gives 0.

    >>> class_affinity(torch.tensor([[4, 3, 1], [3, 3, 0], [1, 0, 1]])).tolist()
    [[1.0, 1.0, 1.0], [0.75, 1.0, 0.0], [0.25, 0.0, 1.0]]
    """
    require_shapes(cooccurrence_KK=cooccurrence_KK)
    together_KK = cooccurrence_KK - torch.diag(cooccurrence_KK.diagonal())
    total = together_KK.sum(dim=0 if normalise == "target" else 1, keepdim=True)  # sum_k t_kj - t_jj
    share_KK = together_KK.to(dtype) / total.clamp(min=1).to(dtype)
    affinity_KK = torch.where(total > 0, share_KK, torch.zeros_like(share_KK))  # equation 1
    return affinity_KK + torch.eye(len(affinity_KK), dtype=dtype, device=affinity_KK.device)


def supporters_and_opponents(
    affinity_KK: np.ndarray, target: int, *, among: Iterable[int]
) -> tuple[list[int], list[int]]:
    """The other classes of `among` as sources of `target`, the strongest of either kind first.

    The upper half supports, the lower half opposes; a class that never meets the target is always an opponent.

    >>> affinity_KK = class_affinity(torch.tensor([[4, 3, 1], [3, 3, 0], [1, 0, 1]])).numpy()
    >>> supporters_and_opponents(affinity_KK, 0, among=range(3))
    ([1], [2])
    """
    others = [source for source in among if source != target]
    order = sorted(others, key=lambda source: -affinity_KK[source, target])
    num_that_meet = sum(bool(affinity_KK[source, target] > 0) for source in others)
    num_supporters = min((len(order) + 1) // 2, num_that_meet)
    return order[:num_supporters], order[num_supporters:][::-1]
