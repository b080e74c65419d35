"""ServiceLimits: how much anybody may ask of a service, and how long it may take."""

from dataclasses import dataclass

from mereo.picture_sizes import MAX_PIXELS

MEBIBYTE = 2**20


@dataclass(frozen=True)
class ServiceLimits:
    """`bodies_bytes` is what the bodies of all requests may hold together while they come in; `pixel_bytes` what their
    pictures may, decoded, while they wait for the network or are in it.

    A body must have come within `body_seconds` and an answer be found within `request_seconds`. `waiting`: requests
    that may wait for the network, and as many for work on pixels, and for one parser to be loaded; `together`:
    photographs that go through the network at once. At most `kept_photographs` are kept, in at most `kept_bytes`; the
    newest always.
    """

    body_bytes: int = 25 * MEBIBYTE
    json_bytes: int = MEBIBYTE
    bodies_bytes: int = 256 * MEBIBYTE
    pixels: int = MAX_PIXELS
    pixel_bytes: int = 1024 * MEBIBYTE
    waiting: int = 16
    together: int = 4
    body_seconds: float = 60.0
    request_seconds: float = 120.0
    kept_photographs: int = 64
    kept_bytes: int = 1024 * MEBIBYTE
