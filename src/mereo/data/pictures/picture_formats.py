"""The formats that Mereo reads, and names for what it meets instead of them."""

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")

_STARTS_OF_OURS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": (b"BM",),
    "GIF": (b"GIF87a", b"GIF89a"),
}
_STARTS_OF_OTHERS = {
    "a PDF": (b"%PDF",),
    "a PostScript file (EPS)": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "a FITS file": (b"SIMPLE  =",),
    "a Photoshop file (PSD)": (b"8BPS",),
    "a JPEG 2000": (b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51"),
    "an icon (ICO)": (b"\0\0\1\0",),
    "a ZIP archive": (b"PK\x03\x04",),
    "a Git LFS pointer": (b"version https://git-lfs",),
}
# In the box "ftyp" at byte 4, the kind of what a telephone or a browser saved.
_KIND_OF_BRAND = {b"hei": "an HEIC photograph", b"hev": "an HEIC photograph", b"mif": "an HEIC photograph"}
_KIND_OF_BRAND |= {b"avi": "an AVIF picture"}
_KIND_OF_MARKUP = {b"<svg": "an SVG drawing", b"<!doctype html": "a web page (HTML)", b"<html": "a web page (HTML)"}
START_BYTES = 512


def format_of_content(start: bytes) -> str | None:
    """Which of our formats a file says that it has, sound or not; None: none of them.

    >>> format_of_content(b"GIF89a"), format_of_content(b"%PDF-1.7")
    ('GIF', None)
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((name for name, starts in _STARTS_OF_OURS.items() if start.startswith(starts)), None)


def kind_of_content(start: bytes) -> str:
    """What a file that could not be opened seems to be, from its first bytes.

    >>> kind_of_content(b"%PDF-1.7"), kind_of_content(b"GIF89a")
    ('a PDF', 'a damaged or unusual GIF')
    """
    if not start:
        return "an empty file"
    for kind, starts in _STARTS_OF_OTHERS.items():
        if start.startswith(starts):
            return kind
    ours = format_of_content(start)
    if ours is not None:
        return f"a damaged or unusual {ours}"
    if start[4:8] == b"ftyp":
        return _KIND_OF_BRAND.get(start[8:11], "a film")
    lower = start.lower()
    unknown = "text" if start.isascii() and start.decode("ascii").replace("\n", "").isprintable() else "no known format"
    return next((kind for word, kind in _KIND_OF_MARKUP.items() if word in lower), unknown)
