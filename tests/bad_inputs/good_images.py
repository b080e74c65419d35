"""Unusual pictures that must be read, each with the pixels that a person sees, which are known without decoding.

`GOOD_IMAGES` maps a name to a maker. Each gives a `GoodImage` for a generator.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from exif_bytes import BROKEN_EXIF, exif_of_orientation, shown_by_orientation
from picture_making import HEIGHT, LOSSY, WIDTH, GoodImage, as_grey, noise_HW3, on_white, saved, smooth_HW3
from PIL import Image
from png_bytes import END, GREY, GREY_ALPHA, RGB, RGBA, chunk, header
from wide_images import dark_sixteen_bit, float_with_nan, sixteen_bit_png, tiff


def _plain(file_format: str, suffix: str, tolerance: int = 0, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        image_HW3 = smooth_HW3(random)
        return GoodImage(suffix, saved(Image.fromarray(image_HW3), file_format, **options), image_HW3, tolerance)

    return make


def _grey_jpeg(random: np.random.Generator) -> GoodImage:
    grey_HW = smooth_HW3(random)[..., 0]
    return GoodImage("jpg", saved(Image.fromarray(grey_HW), "JPEG", quality=95), as_grey(grey_HW), LOSSY)


def _cmyk(file_format: str, suffix: str, tolerance: int, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        image_HW3 = smooth_HW3(random)
        no_black = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
        ink = Image.frombytes("CMYK", (WIDTH, HEIGHT), np.dstack([255 - image_HW3, no_black]).tobytes())
        return GoodImage(suffix, saved(ink, file_format, **options), image_HW3, tolerance)

    return make


def _ycck(random: np.random.Generator) -> GoodImage:
    """Adobe's other way of four channels: YCbCr of the inverted inks, told by one byte of its marker."""
    image_HW3 = smooth_HW3(random)
    ycc_HW3 = np.asarray(Image.fromarray(255 - image_HW3).convert("YCbCr"))
    # Pillow stores 255 - channel, and no black ink is 255 in the file.
    planes = np.dstack([255 - ycc_HW3, np.zeros((HEIGHT, WIDTH, 1), np.uint8)])
    content = saved(Image.frombytes("CMYK", (WIDTH, HEIGHT), planes.tobytes()), "JPEG", quality=98)
    transform = content.index(b"Adobe") + 11
    return GoodImage("jpg", content[:transform] + b"\x02" + content[transform + 1 :], image_HW3, LOSSY)


def _one_bit(file_format: str, suffix: str, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        bits_HW = random.integers(0, 2, (HEIGHT, WIDTH)).astype(bool)
        return GoodImage(suffix, saved(Image.fromarray(bits_HW), file_format, **options), as_grey(bits_HW * 255))

    return make


def _with_alpha(mode: str, file_format: str, suffix: str, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        image_HW3, alpha_HW = smooth_HW3(random), random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
        if mode == "LA":
            image_HW3 = as_grey(image_HW3[..., 0])
            picture = Image.merge("LA", [Image.fromarray(image_HW3[..., 0]), Image.fromarray(alpha_HW)])
        else:
            picture = Image.fromarray(np.dstack([image_HW3, alpha_HW]))
        return GoodImage(suffix, saved(picture, file_format, **options), on_white(image_HW3, alpha_HW), 1)

    return make


def _palette(file_format: str, suffix: str, alpha_of_index: list[int] | int | None) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        colours_K3 = random.integers(0, 256, (8, 3), dtype=np.uint8)
        index_HW = random.integers(0, 8, (HEIGHT, WIDTH), dtype=np.uint8)
        picture = Image.frombytes("P", (WIDTH, HEIGHT), index_HW.tobytes())
        picture.putpalette(colours_K3.tobytes())
        alpha_K = np.full(8, 255)
        options: dict[str, Any] = {}
        if isinstance(alpha_of_index, int):
            alpha_K[alpha_of_index], options["transparency"] = 0, alpha_of_index
        elif alpha_of_index is not None:
            alpha_K[: len(alpha_of_index)], options["transparency"] = alpha_of_index, bytes(alpha_of_index)
        shown_HW3 = on_white(colours_K3[index_HW], alpha_K[index_HW])
        return GoodImage(suffix, saved(picture, file_format, **options), shown_HW3, 1)

    return make


def _colour_key(random: np.random.Generator) -> GoodImage:
    """An RGB PNG in which one colour counts as transparent."""
    image_HW3 = noise_HW3(random)
    image_HW3[3:9, 4:8] = (9, 8, 7)
    shown_HW3 = np.where((image_HW3 == (9, 8, 7)).all(axis=-1, keepdims=True), 255, image_HW3).astype(np.uint8)
    return GoodImage("png", saved(Image.fromarray(image_HW3), "PNG", transparency=(9, 8, 7)), shown_HW3)


def _animated(file_format: str, suffix: str, tolerance: int = 0, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        colours_HW3 = random.integers(0, 256, (3, 3), dtype=np.uint8)[random.integers(0, 3, (HEIGHT, WIDTH))]
        first = Image.fromarray(colours_HW3)
        others = [Image.fromarray(noise_HW3(random)) for _ in range(3)]
        content = saved(first, file_format, save_all=True, append_images=others, duration=50, **options)
        return GoodImage(suffix, content, colours_HW3, tolerance)

    return make


def _apng_by_hand(random: np.random.Generator) -> GoodImage:
    """Two frames, written chunk by chunk; the first is the picture that readers without animation show."""
    first_HW3, second_HW3 = noise_HW3(random), noise_HW3(random)

    def packed(image_HW3: np.ndarray) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in image_HW3))

    def control(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0))

    content = header(WIDTH, HEIGHT) + chunk(b"acTL", struct.pack(">II", 2, 0)) + control(0)
    content += chunk(b"IDAT", packed(first_HW3)) + control(1)
    return GoodImage("png", content + chunk(b"fdAT", struct.pack(">I", 2) + packed(second_HW3)) + END, first_HW3)


def _with_exif(exif: bytes, file_format: str, suffix: str, orientation: int, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        image_HW3 = smooth_HW3(random)
        content = saved(Image.fromarray(image_HW3), file_format, exif=exif, **options)
        tolerance = LOSSY if suffix == "jpg" else 0
        return GoodImage(suffix, content, shown_by_orientation(image_HW3, orientation), tolerance)

    return make


def _sized(height: int, width: int, file_format: str, suffix: str, tolerance: int = 0, **options: Any) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        image_HW3 = np.broadcast_to(random.integers(0, 256, 3, dtype=np.uint8), (height, width, 3))
        picture = Image.fromarray(np.ascontiguousarray(image_HW3))
        return GoodImage(suffix, saved(picture, file_format, **options), image_HW3, tolerance)

    return make


def _with_tail(random: np.random.Generator) -> GoodImage:
    """Cameras append previews and padding after the end of the picture."""
    image_HW3 = smooth_HW3(random)
    content = saved(Image.fromarray(image_HW3), "JPEG", quality=95)
    return GoodImage("jpg", content + random.bytes(500), image_HW3, LOSSY)


def _two_in_one(random: np.random.Generator) -> GoodImage:
    """MPO, as telephones and stereo cameras write it."""
    image_HW3 = smooth_HW3(random)
    second = [Image.fromarray(noise_HW3(random))]
    content = saved(Image.fromarray(image_HW3), "MPO", save_all=True, append_images=second, quality=95)
    return GoodImage("jpg", content, image_HW3, LOSSY)


Maker = Callable[[np.random.Generator], GoodImage]
GOOD_IMAGES: dict[str, Maker] = {
    "jpeg": _plain("JPEG", "jpg", LOSSY, quality=95),
    "progressive jpeg": _plain("JPEG", "jpg", LOSSY, quality=95, progressive=True),
    "jpeg with restart markers": _plain("JPEG", "jpg", LOSSY, quality=95, restart_marker_rows=1),
    "jpeg with a tail": _with_tail,
    "two pictures in one jpeg": _two_in_one,
    "grey jpeg": _grey_jpeg,
    "cmyk jpeg": _cmyk("JPEG", "jpg", LOSSY, quality=95),
    "ycck jpeg": _ycck,
    "cmyk tiff": _cmyk("TIFF", "tif", 1),
    "png": _plain("PNG", "png"),
    "16-bit grey png": sixteen_bit_png(1, GREY),
    "16-bit grey png with alpha": sixteen_bit_png(2, GREY_ALPHA),
    "16-bit rgb png": sixteen_bit_png(3, RGB),
    "16-bit rgba png": sixteen_bit_png(4, RGBA),
    "1-bit png": _one_bit("PNG", "png"),
    "1-bit bmp": _one_bit("BMP", "bmp"),
    "fax tiff": _one_bit("TIFF", "tif", compression="group4"),
    "grey and alpha png": _with_alpha("LA", "PNG", "png"),
    "rgba png": _with_alpha("RGBA", "PNG", "png"),
    "rgba tiff": _with_alpha("RGBA", "TIFF", "tif"),
    "rgba webp": _with_alpha("RGBA", "WEBP", "webp", lossless=True, exact=True),
    "palette png": _palette("PNG", "png", None),
    "palette png, one index transparent": _palette("PNG", "png", 3),
    "palette png, each index its alpha": _palette("PNG", "png", [0, 50, 100, 150, 200, 255]),
    "palette gif, one index transparent": _palette("GIF", "gif", 3),
    "palette bmp": _palette("BMP", "bmp", None),
    "palette tiff": _palette("TIFF", "tif", None),
    "png with a colour key": _colour_key,
    "bmp": _plain("BMP", "bmp"),
    "webp": _plain("WEBP", "webp", LOSSY, quality=95),
    "lossless webp": _plain("WEBP", "webp", lossless=True),
    "tiff, lzw": _plain("TIFF", "tif", compression="tiff_lzw"),
    "tiff, deflate": _plain("TIFF", "tif", compression="tiff_deflate"),
    "tiff, jpeg": _plain("TIFF", "tif", LOSSY, compression="jpeg", quality=95),
    "tiff, big-endian": tiff(">u1", 255, photometric="rgb", byteorder=">"),
    "tiff, planes": tiff("u1", 255, photometric="rgb", planarconfig="separate"),
    "tiff, tiles": tiff("u1", 255, photometric="rgb", tile=(16, 16)),
    "tiff of 64 bits": tiff("u1", 255, photometric="rgb", bigtiff=True),
    "16-bit grey tiff": tiff("u2", 65535),
    "16-bit grey tiff, big-endian": tiff(">u2", 65535, byteorder=">"),
    "16-bit rgb tiff": tiff("u2", 65535, photometric="rgb"),
    "16-bit rgb tiff, big-endian": tiff(">u2", 65535, photometric="rgb", byteorder=">"),
    "dark 16-bit tiff": dark_sixteen_bit("<"),
    "dark 16-bit tiff, big-endian": dark_sixteen_bit(">"),
    "float tiff up to 1": tiff("f4", 1),
    "float tiff up to 255": tiff("f4", 255),
    "float tiff of its own range": tiff("f4", 5000),
    "float tiff with NaN": float_with_nan,
    "animated gif": _animated("GIF", "gif"),
    "animated webp": _animated("WEBP", "webp", lossless=True),
    "animated png": _animated("PNG", "png"),
    "animated png by hand": _apng_by_hand,
    "tiff of several pages": _animated("TIFF", "tif"),
    "1x1 png": _sized(1, 1, "PNG", "png"),
    "1x1 jpeg": _sized(1, 1, "JPEG", "jpg", LOSSY, quality=95),
    "1x1 gif": _sized(1, 1, "GIF", "gif"),
    "1x1 webp": _sized(1, 1, "WEBP", "webp", lossless=True),
    "1 column png": _sized(37, 1, "PNG", "png"),
    "1 row bmp": _sized(1, 37, "BMP", "bmp"),
    "60000x1 jpeg": _sized(60000, 1, "JPEG", "jpg", LOSSY, quality=95),
    "1x60000 png": _sized(1, 60000, "PNG", "png"),
}
for _orientation in range(1, 9):
    for _format, _suffix, _options in (("JPEG", "jpg", {"quality": 95}), ("PNG", "png", {}), ("TIFF", "tif", {})):
        _maker = _with_exif(exif_of_orientation(_orientation), _format, _suffix, _orientation, **_options)
        GOOD_IMAGES[f"{_format} of exif {_orientation}"] = _maker
for _kind, _exif in BROKEN_EXIF.items():
    GOOD_IMAGES[f"jpeg, exif {_kind}"] = _with_exif(_exif, "JPEG", "jpg", 1, quality=95)
