"""Superpixels of the pictures that a parser is about to see, when nobody has brought any."""

import torch
from torch import Tensor

from mereo.features.stage import SuperpixelWish
from mereo.regions.superpixels import superpixels


def superpixels_of(image_BCHW: Tensor, wish: SuperpixelWish) -> Tensor:
    """B H W int32, on the pictures' device."""
    images_BHWC = image_BCHW.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    found = [superpixels(image_HWC, method=wish.method, max_regions=wish.max_regions) for image_HWC in images_BHWC]
    return torch.stack([torch.from_numpy(label_HW) for label_HW in found]).to(image_BCHW.device)
