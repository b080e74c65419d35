"""Maps as the service sends them, read back."""

import base64
from typing import Any

import numpy as np


def decoded(sent: dict[str, Any]) -> np.ndarray:
    """As docs/service.md says: pairs of LEB128 numbers."""
    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(sent["runs"]):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    values, lengths = np.array(numbers[0::2]), np.array(numbers[1::2])
    return values.repeat(lengths).reshape(sent["height"], sent["width"])
