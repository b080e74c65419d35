"""Sizes of a picture that keep its shape: scaled, or shrunk to a longest side. Never thinner than a pixel."""

MAX_PIXELS = 64_000_000  # More are not decoded unless somebody says so.


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Both sides times `scale`, rounded; (height, width) or (width, height), as it came.

    >>> scaled_size((360, 480), 1.5), scaled_size((3, 1000), 0.1)
    ((540, 720), (1, 100))
    """
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def size_within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size itself where neither side is longer than `longest`, else the one of that longest side.

    >>> size_within((3000, 4000), 480), size_within((100, 50), 480), size_within((60000, 1), 480)
    ((360, 480), (100, 50), (480, 1))
    """
    return scaled_size(size, min(1.0, longest / max(size)))
