"""Label maps from files: raw numbers or colours first, then through the label table. Nothing is guessed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.data.pictures.image_reading import decoding_errors_named, open_picture
from mereo.data.pictures.orientation import exif_orientation, turned
from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput
from mereo.picture_sizes import MAX_PIXELS

LOSSLESS_FORMATS = ("PNG", "TIFF", "BMP", "GIF")


@dataclass(frozen=True)
class RawLabel:
    """A label map before its table: what `mereo data check` counts."""

    kind: str
    file: Path
    raw_HW: np.ndarray
    table: LabelTable


def read_label(
    path: str | Path, table: LabelTable, *, is_turned_by_exif: bool = False, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Class indices (H W int32) of a mask. Pixels whose raw id the table ignores hold `table.ignore_index`."""
    raw_HW = read_raw_label(
        path, is_colour_coded=table.is_colour_coded, is_turned_by_exif=is_turned_by_exif, max_pixels=max_pixels
    )
    return table.to_index(raw_HW, file=str(path))


def read_ids(path: str | Path, *, is_turned_by_exif: bool = False, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Ids of instances or regions (H W int32). In a colour mask each colour is one id, and black is 0."""
    pixels = _pixels(path, is_turned_by_exif, max_pixels)
    if pixels.ndim == 2:
        return pixels.astype(np.int32)
    return pixels[..., 0].astype(np.int32) if is_grey(pixels) else packed_colours(pixels)


def read_raw_label(
    path: str | Path, *, is_colour_coded: bool, is_turned_by_exif: bool = False, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """What the file says, before any table: numbers, or `red << 16 | green << 8 | blue` for a colour-coded table.

    A label's own EXIF tag counts only with `is_turned_by_exif`, for labels of images that carry such a tag themselves.
    """
    pixels = _pixels(path, is_turned_by_exif, max_pixels, is_palette_shown=is_colour_coded)
    if is_colour_coded:
        if pixels.ndim == 3:
            return packed_colours(pixels)
        if pixels.dtype != np.uint8:
            raise BadInput(
                f"a colour-coded label must have 8 bits a channel, but got {pixels.dtype} in {path}; "
                "list its ids as numbers."
            )
        return packed_colours(np.repeat(pixels[..., None], 3, axis=-1))
    if pixels.ndim == 2:
        return pixels
    if not is_grey(pixels):
        row, column = divmod(int(np.argmax((pixels != pixels[..., :1]).any(axis=-1))), pixels.shape[1])
        colour = "#{:02x}{:02x}{:02x}".format(*pixels[row, column])
        raise BadInput(
            f"a label must hold one number a pixel, but got colour {colour} "
            f"at pixel (row {row}, column {column}) in {path}; write the taxonomy's ids "
            "as colours (#rrggbb), or save the label as numbers."
        )
    return pixels[..., 0]


def is_grey(pixels_HW3: np.ndarray) -> bool:
    return bool((pixels_HW3[..., 0] == pixels_HW3[..., 1]).all() and (pixels_HW3[..., 0] == pixels_HW3[..., 2]).all())


def holds_colours(path: str | Path) -> bool:
    """Whether a mask says classes by colour: three channels that differ somewhere. A palette is no colour code."""
    with open_picture(path) as picture:
        if picture.format in LOSSLESS_FORMATS and picture.mode not in ("RGB", "RGBA"):
            return False
    pixels = _pixels(path, False, MAX_PIXELS)
    return pixels.ndim == 3 and not is_grey(pixels)


def packed_colours(pixels_HW3: np.ndarray) -> np.ndarray:
    """
    >>> hex(packed_colours(np.array([[[18, 52, 86]]], dtype=np.uint8))[0, 0])
    '0x123456'
    """
    packed_HW = pixels_HW3[..., 0].astype(np.int32)
    for channel in (1, 2):  # In place: wide colours would take three times as much.
        packed_HW <<= 8
        packed_HW |= pixels_HW3[..., channel]
    return packed_HW


def read_colours(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The three channels (H W 3 uint8) of a lossless colour PNG, for formats that pack numbers into them."""
    pixels = _pixels(path, False, max_pixels)
    if pixels.ndim == 2:
        raise BadInput(f"this label must have three channels, but got one in {path}; check which file it is.")
    return pixels


def require_same_size(
    image: Path, image_size: tuple[int, ...], label: Path, label_size: tuple[int, ...], is_turned: bool = False
) -> None:
    if tuple(image_size) == tuple(label_size):
        return
    is_swapped = is_turned and tuple(image_size) == tuple(label_size)[::-1]
    advice = (
        "the image is turned by its EXIF tag and the label is not, so turn the label or remove the tag"
        if is_swapped
        else "label and image must belong together, so resize the label without interpolation or mend the pairing"
    )
    raise BadInput(
        f"label must have the image's size {image_size[1]}x{image_size[0]} ({image}), "
        f"but got {label_size[1]}x{label_size[0]} in {label}; {advice}."
    )


def _pixels(
    path: str | Path, is_turned_by_exif: bool, max_pixels: int, *, is_palette_shown: bool = False
) -> np.ndarray:
    """H W numbers, or H W 3 colours; the alpha channel carries no label and is dropped."""
    with open_picture(path, max_pixels=max_pixels) as picture:
        if picture.format not in LOSSLESS_FORMATS:
            raise BadInput(
                f"a label must be stored without loss ({', '.join(LOSSLESS_FORMATS)}), "
                f"but got {picture.format} in {path}; its ids are blurred, so make it again from the source."
            )
        with decoding_errors_named(str(path)):
            picture.load()
            orientation = exif_orientation(picture) if is_turned_by_exif else 1
            pixels = _numbers_or_colours(picture, is_palette_shown, path)
    return turned(pixels, orientation)


def _numbers_or_colours(picture: Image.Image, is_palette_shown: bool, path: str | Path) -> np.ndarray:
    mode = picture.mode
    if mode in ("P", "PA") and not is_palette_shown:
        # The palette only says how a viewer shows the ids; the ids are the indices.
        return np.array(picture.getchannel(0) if mode == "PA" else picture)
    if mode in ("P", "PA"):
        return np.array(picture.convert("RGB"))
    if mode in ("L", "LA"):
        return np.array(picture.getchannel(0))
    if mode == "1":
        return np.array(picture).astype(np.uint8)
    if mode == "I" or mode.startswith("I;16"):
        return np.array(picture).astype(np.int32)
    if mode in ("RGB", "RGBA"):
        return np.array(picture)[..., :3]
    raise BadInput(f"a label must hold whole numbers or RGB colours, but got mode {mode!r} in {path}; save it as PNG.")
