"""Pooling, antialiased resizing and repeating for sizes that are known only later, of operations that runtimes have.

torch's own functions are traced for one size, or translated wrongly or not at all where a size is no number. While a
parser is traced once for pictures of all sizes, these stand in for them; their answers are the same up to rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class TracedSizes(TorchFunctionMode):
    """Inside this context adaptive average pooling and antialiased bilinear resizing are matrix products, made of the
    sizes, and repeating is a view."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.adaptive_avg_pool2d:
            return pooled_to_grid(*args, **kwargs)
        is_known = kwargs.get("mode") == "bilinear" and kwargs.get("size") is not None
        if func is F.interpolate and kwargs.get("antialias") and is_known:
            return resized_by_products(args[0], kwargs["size"])
        if func is Tensor.repeat_interleave and not isinstance(args[1], Tensor):
            return repeated(*args, **kwargs)
        return func(*args, **kwargs)


def pooled_to_grid(features_BCHW: Tensor, output_size: int | tuple[int, int]) -> Tensor:
    """`F.adaptive_avg_pool2d`: means over cells that cover the map and may overlap by a row or column.

    >>> pooled_to_grid(torch.tensor([[[[1.0, 3.0, 5.0]]]]), (1, 2)).tolist()
    [[[[2.0, 4.0]]]]
    """
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    of_rows_hH = cell_shares(features_BCHW.shape[2], rows, like=features_BCHW)
    of_columns_wW = cell_shares(features_BCHW.shape[3], columns, like=features_BCHW)
    return of_rows_hH @ features_BCHW @ of_columns_wW.t()


def resized_by_products(image_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """`F.interpolate(mode="bilinear", align_corners=False, antialias=True)`.

    >>> resized_by_products(torch.tensor([[[[0.0, 2.0, 4.0, 6.0]]]]), (1, 1)).tolist()
    [[[[3.0]]]]
    """
    of_rows_hH = triangle_shares(image_BCHW.shape[2], size[0], like=image_BCHW)
    of_columns_wW = triangle_shares(image_BCHW.shape[3], size[1], like=image_BCHW)
    # Columns first: wide pictures become narrow before their rows are summed.
    return of_rows_hH @ (image_BCHW @ of_columns_wW.t())


def repeated(values: Tensor, repeats: int, *, dim: int) -> Tensor:
    """`Tensor.repeat_interleave` along one axis.

    >>> repeated(torch.tensor([[1, 2]]), 2, dim=-1).tolist()
    [[1, 1, 2, 2]]
    """
    axis = dim % values.dim()
    room = [-1] * (values.dim() + 1)
    room[axis + 1] = repeats
    return values.unsqueeze(axis + 1).expand(room).flatten(axis, axis + 1)


def cell_shares(num_in: int, num_out: int, *, like: Tensor) -> Tensor:
    """`share_hH`: what each of H positions gives to each of h cells. Cell i reaches from floor(i H / h) to
    ceil((i + 1) H / h)."""
    cell_h1, place_1H = _places(num_in, num_out, like.device)
    starts_before_hH = (cell_h1 * num_in) // num_out <= place_1H
    ends_behind_hH = place_1H < ((cell_h1 + 1) * num_in + (num_out - 1)) // num_out
    inside_hH = (starts_before_hH & ends_behind_hH).to(like.dtype)
    return inside_hH / inside_hH.sum(dim=1, keepdim=True)


def triangle_shares(num_in: int, num_out: int, *, like: Tensor) -> Tensor:
    """`share_hH`: how much each of H positions counts at each of h places: most at its middle, and nothing from the
    middle of the next one on, or from that of the next place on where these lie further apart."""
    out_h1, in_1H = (place.to(like.dtype) + 0.5 for place in _places(num_in, num_out, like.device))
    distance = torch.ones((), dtype=like.dtype, device=like.device) * num_in / num_out
    share_hH = (1 - (in_1H - out_h1 * distance).abs() / distance.clamp(min=1)).clamp(min=0)
    return share_hH / share_hH.sum(dim=1, keepdim=True)


def _places(num_in: int, num_out: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.arange(num_out, device=device)[:, None], torch.arange(num_in, device=device)[None]
