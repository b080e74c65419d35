"""Augmentation with torchvision transforms.v2 on tv_tensors: image and every mask move together.

All draws come from torch's global generator, which `AugmentedSamples` seeds by (seed, epoch, index).
"""

from dataclasses import replace
from functools import partial

import torch
import torchvision.transforms.v2 as v2
import torchvision.transforms.v2.functional as F
from pydantic import Field, model_validator
from torch import Tensor
from torchvision import tv_tensors

from mereo.data.sample import Sample
from mereo.data.taxonomy import Taxonomy
from mereo.strict import StrictConfig

OUTSIDE = -1  # Mask value of pixels that come from outside the image, until `_filled` gives each mask its own.
SMALLEST_SCALE = 0.25  # Of a window that is cut before it is resized: below, the window would outgrow memory.

LARGEST_SCALE = 100.0
MAX_CROP_PIXELS = 64_000_000


class AugmentationConfig(StrictConfig):
    """Scale 1 shows the image with `working_side` pixels along its longer side (None: its own size)."""

    crop: tuple[int, int] = Field(description="height and width of what the parser sees")
    working_side: int | None = Field(None, ge=1)
    scale: tuple[float, float] = (0.5, 2.0)
    flip: float = Field(0.5, ge=0, le=1, description="share of mirrored pictures; left and right change names, too")
    rotate_degrees: float = Field(0.0, ge=0, le=180)
    colour: float = Field(0.0, ge=0, le=1, description="strength of brightness, contrast, saturation and hue changes")
    rare_class_share: float = Field(0.0, ge=0, le=1, description="share of crops laid around a pixel of a rare class")

    @model_validator(mode="after")
    def _check(self) -> "AugmentationConfig":
        if not 0 < self.scale[0] <= self.scale[1] <= LARGEST_SCALE:
            raise ValueError(f"scale must be a range low, high with 0 < low <= high <= {LARGEST_SCALE:g}")
        if min(self.crop) < 1 or self.crop[0] * self.crop[1] > MAX_CROP_PIXELS:
            raise ValueError(
                f"crop must be a height and a width of at least 1, with at most {MAX_CROP_PIXELS:,} pixels"
            )
        return self

    def build(self, taxonomy: Taxonomy, pixels_K: Tensor | None = None) -> "Augmentation":
        return Augmentation(self, taxonomy, pixels_K=pixels_K)


class Augmentation:
    """Rotate, crop at a random scale (around a rare class now and then), flip, change colours."""

    def __init__(self, config: AugmentationConfig, taxonomy: Taxonomy, *, pixels_K: Tensor | None = None) -> None:
        self.config, self.taxonomy = config, taxonomy
        self.pixels_K = pixels_K
        strength = config.colour
        self.jitter = v2.ColorJitter(
            brightness=0.5 * strength, contrast=0.5 * strength, saturation=0.5 * strength, hue=0.1 * strength
        )

    def __call__(self, sample: Sample) -> Sample:
        config = self.config
        if config.rotate_degrees:
            angle = _uniform(-config.rotate_degrees, config.rotate_degrees)
            sample = sample.transformed(lambda tensors: {k: _rotated(v, angle) for k, v in tensors.items()})
        sample = self._scaled_crop(sample)
        if config.flip and _uniform(0, 1) < config.flip:
            sample = self._mirrored(sample)
        if config.colour:
            sample = replace(sample, image_CHW=self.jitter(sample.image_CHW))
        return self._filled(sample)

    def _mirrored(self, sample: Sample) -> Sample:
        sample = sample.transformed(lambda tensors: {k: F.horizontal_flip(v) for k, v in tensors.items()})
        tables = {"semantic_HW": self.taxonomy.objects, "parts_HW": self.taxonomy.parts}
        named = {
            name: _renamed(sample.masks[name], table.mirrored)
            for name, table in tables.items()
            if table is not None and name in sample.masks
        }
        return replace(sample, **named)

    def _scaled_crop(self, sample: Sample) -> Sample:
        """Cuts the window that becomes the crop, then resizes it: cheaper than resizing the whole image first."""
        config, (height, width) = self.config, sample.size
        low, high = config.scale
        # Uniform in the logarithm, so that halving is as likely as doubling.
        scale = low * (high / low) ** _uniform(0, 1)
        if config.working_side is not None:
            scale *= config.working_side / max(height, width)
        if scale < SMALLEST_SCALE:
            reduction = scale / SMALLEST_SCALE
            height, width = max(1, round(height * reduction)), max(1, round(width * reduction))
            reduce = partial(_resized, size=(height, width))
            sample = sample.transformed(lambda tensors: {k: reduce(v) for k, v in tensors.items()})
            scale = SMALLEST_SCALE
        window = (max(1, round(config.crop[0] / scale)), max(1, round(config.crop[1] / scale)))
        centre = (
            self._rare_pixel(sample) if config.rare_class_share and _uniform(0, 1) < config.rare_class_share else None
        )
        top = _window_start(height, window[0], None if centre is None else centre[0])
        left = _window_start(width, window[1], None if centre is None else centre[1])
        cut = partial(_cut_and_resized, top=top, left=left, window=window, size=config.crop)
        return sample.transformed(lambda tensors: {k: cut(v) for k, v in tensors.items()})

    def _rare_pixel(self, sample: Sample) -> tuple[int, int] | None:
        """A pixel of one of the image's classes, drawn by 1 / (its pixels in the training split); or, every other time
        where there are any, of one of its parts."""
        if sample.semantic_HW is None:
            return None
        if sample.parts_HW is not None and self.taxonomy.parts is not None and _uniform(0, 1) < 0.5:
            parts_HW = sample.parts_HW.as_subclass(Tensor)
            kinds = parts_HW[(parts_HW != self.taxonomy.parts.ignore_index) & (parts_HW != OUTSIDE)].unique()
            if len(kinds):
                return _pixel_of(parts_HW == kinds[int(torch.randint(len(kinds), ()))])
        semantic_HW = sample.semantic_HW.as_subclass(Tensor)
        present = semantic_HW.unique()
        present = present[(present >= 0) & (present != self.taxonomy.ignore_index)].long()
        if len(present) == 0:
            return None
        rarity = (
            torch.ones(len(present)) if self.pixels_K is None else 1.0 / self.pixels_K[present].clamp(min=1).float()
        )
        chosen = present[torch.multinomial(rarity, 1)]
        return _pixel_of(semantic_HW == chosen)

    def _filled(self, sample: Sample) -> Sample:
        tables = {"semantic_HW": self.taxonomy.objects, "parts_HW": self.taxonomy.parts}
        tables |= {"material_HW": self.taxonomy.materials, "texture_HW": self.taxonomy.textures}
        filled = {}
        for name, mask in sample.masks.items():
            if name == "superpixels_HW":  # 0 is a superpixel like others; OUTSIDE says that there is none.
                continue
            table = tables.get(name)
            filled[name] = mask.masked_fill(mask == OUTSIDE, 0 if table is None else table.ignore_index)
        return replace(sample, **{k: tv_tensors.Mask(v) for k, v in filled.items()})


def _pixel_of(is_wanted_HW: Tensor) -> tuple[int, int]:
    places_P2 = is_wanted_HW.nonzero()
    row, column = places_P2[int(torch.randint(len(places_P2), ()))].tolist()
    return row, column


def _renamed(mask_HW: tv_tensors.Mask, mirrored: tuple[int, ...]) -> tv_tensors.Mask:
    """Class indices of a mirrored picture; what is no class (ignored, outside) stays as it is."""
    renamed_HW = mask_HW.clone()
    for index, other in enumerate(mirrored):
        if index != other:
            renamed_HW[mask_HW == index] = other
    return tv_tensors.Mask(renamed_HW)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _window_start(length: int, window: int, centre: int | None) -> int:
    """Where a window starts along one axis: inside the image if it fits, else so that the image is inside it."""
    low, high = min(0, length - window), max(0, length - window)
    if centre is None:
        return low + int(torch.randint(high - low + 1, ()))
    start = centre - int(torch.randint(window, ()))
    return min(max(start, low), high)


def _rotated(tensor: tv_tensors.TVTensor, angle: float) -> tv_tensors.TVTensor:
    if isinstance(tensor, tv_tensors.Mask):
        return F.rotate(tensor, angle, interpolation=v2.InterpolationMode.NEAREST, fill=[OUTSIDE])
    # Rotated around the mean colour: F.rotate's own fill leaves a dark seam, since it blends with black first.
    mean_C11 = tensor.float().mean(dim=(1, 2), keepdim=True).as_subclass(Tensor)
    centred = tv_tensors.Image(tensor.as_subclass(Tensor).float() - mean_C11)
    rotated = F.rotate(centred, angle, interpolation=v2.InterpolationMode.BILINEAR).as_subclass(Tensor)
    return tv_tensors.Image((rotated + mean_C11).round().clamp(0, 255).to(torch.uint8))


def _cut_and_resized(
    tensor: tv_tensors.TVTensor, *, top: int, left: int, window: tuple[int, int], size: tuple[int, int]
) -> tv_tensors.TVTensor:
    height, width = tensor.shape[-2:]
    inside = tensor[..., max(0, top) : max(0, top + window[0]), max(0, left) : max(0, left + window[1])]
    margins = [max(0, -left), max(0, -top), max(0, left + window[1] - width), max(0, top + window[0] - height)]
    if isinstance(tensor, tv_tensors.Mask):
        mask = tv_tensors.Mask(inside)
        return _resized(F.pad(mask, margins, fill=OUTSIDE) if any(margins) else mask, size=size)
    image = tv_tensors.Image(inside)
    if any(margins):
        image = F.pad(image, margins, fill=tensor.float().mean(dim=(1, 2)).tolist())
    return _resized(image, size=size)


def _resized(tensor: tv_tensors.TVTensor, *, size: tuple[int, int]) -> tv_tensors.TVTensor:
    if isinstance(tensor, tv_tensors.Mask):
        return F.resize(tensor, list(size), interpolation=v2.InterpolationMode.NEAREST_EXACT)
    # torch's 8-bit kernel fails where the result is a single pixel.
    image = tensor if max(size) > 1 else tv_tensors.Image(tensor.float())
    resized = F.resize(image, list(size), interpolation=v2.InterpolationMode.BILINEAR, antialias=True)
    return resized if max(size) > 1 else tv_tensors.Image(resized.round().to(torch.uint8))
