"""Files that are no readable picture, made from a seed: `BAD_IMAGES` maps a name to what makes its bytes, and to what
the one line about it must say."""

import io
from collections.abc import Callable

import numpy as np
import tifffile
from good_images import GOOD_IMAGES
from picture_making import noise_HW3, saved
from PIL import Image
from png_bytes import END, SIGNATURE, chunk, header

Maker = Callable[[np.random.Generator], bytes]
# Whole files of each format in which every byte matters: noise cannot be guessed from what is left of it.
WHOLE: dict[str, Maker] = {
    "jpg": lambda random: saved(Image.fromarray(noise_HW3(random)), "JPEG", quality=95),
    "progressive jpg": lambda random: saved(Image.fromarray(noise_HW3(random)), "JPEG", quality=95, progressive=True),
    "png": lambda random: saved(Image.fromarray(noise_HW3(random)), "PNG"),
    "webp": lambda random: saved(Image.fromarray(noise_HW3(random)), "WEBP", quality=95),
    "lossless webp": lambda random: saved(Image.fromarray(noise_HW3(random)), "WEBP", lossless=True),
    "tif": lambda random: saved(Image.fromarray(noise_HW3(random)), "TIFF"),
    "lzw tif": lambda random: saved(Image.fromarray(noise_HW3(random)), "TIFF", compression="tiff_lzw"),
    "bmp": lambda random: saved(Image.fromarray(noise_HW3(random)), "BMP"),
    "gif": lambda random: saved(Image.fromarray(noise_HW3(random)), "GIF"),
}
CUT = "an image must (be complete and undamaged|have a sound header|be JPEG, PNG, WEBP, TIFF, BMP, GIF), but got "
FOREIGN = "an image must be JPEG, PNG, WEBP, TIFF, BMP, GIF, but got {kind} in .*; save it anew as one of these"


def _cut(kind: str, least: float, most: float) -> Maker:
    def make(random: np.random.Generator) -> bytes:
        whole = WHOLE[kind](random)
        return whole[: int(len(whole) * random.uniform(least, most))]

    return make


def _numbers_as_tiff(shape: tuple[int, ...], dtype: str) -> Maker:
    """Kinds of TIFF that science writes and that no viewer shows."""

    def make(random: np.random.Generator) -> bytes:
        stream, photometric = io.BytesIO(), "rgb" if len(shape) == 3 else "minisblack"
        tifffile.imwrite(stream, random.random(shape).astype(dtype), metadata=None, photometric=photometric)
        return stream.getvalue()

    return make


def _without_marker(start: bytes) -> Maker:
    """A JPEG whose height is 0, or whose tables are gone."""

    def make(random: np.random.Generator) -> bytes:
        content = WHOLE["jpg"](random)
        at = content.index(start)
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        return content[:at] + content[at + 2 + length :]

    return make


def _jpeg_without_height(random: np.random.Generator) -> bytes:
    content = bytearray(WHOLE["jpg"](random))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 2] = b"\0\0"
    return bytes(content)


def _flipped_crc(random: np.random.Generator) -> bytes:
    content = bytearray(WHOLE["png"](random))
    content[content.index(b"IDAT") + 100] ^= 0xFF
    return bytes(content)


def _noise_in(kind: str) -> Maker:
    """A header as it should be, and noise behind it."""

    def make(random: np.random.Generator) -> bytes:
        whole = WHOLE[kind](random)
        return whole[: len(whole) // 10] + random.bytes(len(whole))

    return make


def _fixed(content: bytes) -> Maker:
    return lambda random: content


def _foreign(kind: str, content: bytes) -> tuple[Maker, str]:
    return _fixed(content), FOREIGN.format(kind=kind)


def _saved_as(file_format: str) -> Maker:
    return lambda random: saved(Image.fromarray(noise_HW3(random)), file_format)


BAD_IMAGES: dict[str, tuple[Maker, str]] = {
    "0 bytes": _foreign("an empty file", b""),
    "1 byte": _foreign("no known format", b"\xff"),
    "text": _foreign("text", b"not a picture, sorry\n" * 40),
    "noise": (lambda random: b"\x01" + random.bytes(5000), FOREIGN.format(kind="no known format")),
    "zeros": _foreign("no known format", bytes(5000)),
    "web page": _foreign(r"a web page \(HTML\)", b"<!DOCTYPE html>\n<html><body>404 not found</body></html>"),
    "svg": _foreign("an SVG drawing", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "svg that reads a file": _foreign("an SVG drawing", b'<svg><image href="/etc/hostname"/></svg>'),
    "eps": _foreign(r"a PostScript file \(EPS\)", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
    "eps with preview": _foreign(r"a PostScript file \(EPS\)", b"\xc5\xd0\xd3\xc6" + bytes(60)),
    "pdf": _foreign("a PDF", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"),
    "fits": _foreign("a FITS file", b"SIMPLE  =                    T".ljust(2880)),
    "psd": _foreign(r"a Photoshop file \(PSD\)", b"8BPS\0\x01" + bytes(40)),
    "heic": _foreign("an HEIC photograph", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)),
    "film": _foreign("a film", b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(40)),
    "zip": _foreign("a ZIP archive", b"PK\x03\x04" + bytes(60)),
    "ico": (_saved_as("ICO"), FOREIGN.format(kind=r"an icon \(ICO\)")),
    "jpeg 2000": (_saved_as("JPEG2000"), FOREIGN.format(kind="a JPEG 2000")),
    "avif": (_saved_as("AVIF"), FOREIGN.format(kind="an AVIF picture")),
    "ppm": (_saved_as("PPM"), FOREIGN.format(kind="no known format")),
    "git lfs": _foreign("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\nsize 9\n"),
    "tga": (_saved_as("TGA"), FOREIGN.format(kind="no known format")),
    "tiff of doubles": (_numbers_as_tiff((9, 9), "f8"), FOREIGN.format(kind="a damaged or unusual TIFF")),
    "tiff of three floats": (_numbers_as_tiff((9, 9, 3), "f4"), FOREIGN.format(kind="a damaged or unusual TIFF")),
    "tiff of complex numbers": (_numbers_as_tiff((9, 9), "c8"), FOREIGN.format(kind="a damaged or unusual TIFF")),
    "jpeg without height": (_jpeg_without_height, FOREIGN.format(kind="a damaged or unusual JPEG")),
    "jpeg without frame": (_without_marker(b"\xff\xc0"), CUT),
    "jpeg without quantisation": (_without_marker(b"\xff\xdb"), CUT),
    "png of 0 columns": (_fixed(header(0, 9) + END), "an image must"),
    "png of its end": (_fixed(SIGNATURE + END), CUT),
    "png without pixels": (_fixed(header(9, 9) + END), CUT),
    "png with an unknown critical chunk": (_fixed(header(9, 9) + chunk(b"ABCD", b"?") + END), CUT),
    "png of 3 bits": (_fixed(header(9, 9, bits=3) + chunk(b"IDAT", b"") + END), CUT),
    "png with a wrong checksum": (_flipped_crc, CUT),
    "gif of a header": (_fixed(b"GIF89a\x09\0\x09\0\0\0\0"), CUT),
    "gif of its end": (_fixed(b"GIF89a\x09\0\x09\0\0\0\0;"), CUT),
    "bmp of a header": (_fixed(b"BM" + bytes(12)), CUT),
    "webp of a header": (_fixed(b"RIFF\x1a\0\0\0WEBPVP8 "), CUT),
    "tiff without directory": (_fixed(b"II*\0\xff\xff\xff\x7f"), CUT),
    "tiff with an empty directory": (_fixed(b"II*\0\x08\0\0\0\0\0\0\0\0\0"), CUT),
}
for _kind in WHOLE:
    BAD_IMAGES[f"{_kind} cut in its first bytes"] = (_cut(_kind, 0.002, 0.02), CUT)
    BAD_IMAGES[f"{_kind} cut early"] = (_cut(_kind, 0.05, 0.4), CUT)
    BAD_IMAGES[f"{_kind} cut late"] = (_cut(_kind, 0.4, 0.93), CUT)
for _kind in ("png", "lzw tif"):
    BAD_IMAGES[f"{_kind} of noise"] = (_noise_in(_kind), CUT)

# Content decides, not the name: each format under the names of the others.
WRONG_SUFFIXES = {"jpeg": "png", "png": "jpg", "bmp": "tif", "webp": "gif", "tiff, lzw": "bmp", "animated gif": "webp"}
assert set(WRONG_SUFFIXES) <= set(GOOD_IMAGES)
