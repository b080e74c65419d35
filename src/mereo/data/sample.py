"""Sample: an image with any of the labels that Mereo knows. Readers make it, transforms keep it, batches join it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torchvision import tv_tensors

from mereo.data.label_reading import RawLabel
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput

MAX_ID = 2**24  # Transforms compute in float32, which counts whole numbers no further.


@dataclass(frozen=True)
class Sample:
    """Class maps hold indices of the taxonomy's tables (ignored pixels: that table's `ignore_index`).

    `instances_HW` holds the id of the thing a pixel belongs to (0: none). `annotators_AHW` holds region ids, one map
    an annotator (BSDS500). `scene` and `texture` are one index for the whole image, None if not labelled.

    `superpixels_HW` holds the superpixel of each pixel, -1 where there is none: what comes from outside of the picture
    when it is cropped or turned. After that numbers may be missing, in any order, and a superpixel may be in pieces:
    whoever needs them 0, 1, ... names them anew.
    """

    name: str
    image_CHW: tv_tensors.Image
    semantic_HW: tv_tensors.Mask | None = None
    instances_HW: tv_tensors.Mask | None = None
    parts_HW: tv_tensors.Mask | None = None
    material_HW: tv_tensors.Mask | None = None
    texture_HW: tv_tensors.Mask | None = None
    superpixels_HW: tv_tensors.Mask | None = None
    annotators_AHW: tv_tensors.Mask | None = None
    scene: int | None = None
    texture: int | None = None

    def __post_init__(self) -> None:
        if self.image_CHW.ndim != 3 or self.image_CHW.shape[0] != 3:
            raise BadInput(
                f"image_CHW must have three colours, rows and columns, but got shape {tuple(self.image_CHW.shape)} "
                f"in {self.name}; convert it to RGB."
            )
        size = tuple(self.image_CHW.shape[-2:])
        for name, mask in self.masks.items():
            axes = name.rpartition("_")[2]
            if mask.ndim != len(axes):
                raise BadInput(
                    f"{name} must have {len(axes)} axes, but got shape {tuple(mask.shape)} in {self.name}; reshape it."
                )
            if tuple(mask.shape[-2:]) != size:
                raise BadInput(
                    f"{name} must have the image's size {size[1]}x{size[0]}, "
                    f"but got {mask.shape[-1]}x{mask.shape[-2]} in {self.name}; label and image must belong together."
                )

    @property
    def masks(self) -> dict[str, tv_tensors.Mask]:
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name.endswith("HW") and f.name != "image_CHW" and getattr(self, f.name) is not None
        }

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.image_CHW.shape[-2]), int(self.image_CHW.shape[-1])

    def transformed(self, transform: Callable[[dict[str, Any]], dict[str, Any]]) -> "Sample":
        """Apply a torchvision transforms.v2 transform to the image and all masks at once."""
        return replace(self, **transform({"image_CHW": self.image_CHW, **self.masks}))


class Samples(Protocol):
    """What every reader returns: a sequence of samples, read from disk when asked for.

    The rest is for what looks at files and counts; a reader that has none of it leaves it as it is here.
    """

    taxonomy: Taxonomy

    @property
    def names(self) -> list[str]: ...

    @property
    def fingerprint(self) -> str:
        """Changes when the files (or the settings of a procedural source) change; keys what is cached."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    @property
    def source_files(self) -> list[Path]:
        """Every file that the samples are read from."""
        return []

    @property
    def num_with_scene(self) -> int | None:
        """How many samples have a scene. None: all or none, as the first one."""
        return None

    def raw_labels(self, index: int) -> list[RawLabel] | None:
        """The class maps of one sample before their tables. None: they do not come from files."""
        return None

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]] | None:
        """The files of one sample: the picture, and labels whose own EXIF tag counts. None: no such files."""
        return None


def as_image(array_HWC: np.ndarray) -> tv_tensors.Image:
    return tv_tensors.Image(torch.from_numpy(np.ascontiguousarray(array_HWC)).permute(2, 0, 1).contiguous())


def as_mask(array_HW: np.ndarray) -> tv_tensors.Mask:
    """Class indices and ids as an int32 mask: wide enough for every table, and every transform takes it."""
    if array_HW.dtype.itemsize > 2 and array_HW.size and not 0 <= array_HW.min() <= array_HW.max() <= MAX_ID:
        raise BadInput(
            f"ids must be 0 to {MAX_ID}, but got {array_HW.min()} to {array_HW.max()} in a label map; renumber them."
        )
    return tv_tensors.Mask(torch.from_numpy(array_HW.astype("int32")))
