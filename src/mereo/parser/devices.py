"""A device by name, checked before anything is loaded onto it."""

import torch

from mereo.errors import BadEnvironment, BadInput


def auto_device() -> torch.device:
    """CUDA where there is one, else the CPU, for parsing and training alike.

    MPS has to be asked for by name: none of this was ever tried on it.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def require_device(name: str) -> torch.device:
    if name == "auto":
        return auto_device()
    try:
        device: torch.device | None = torch.device(name)
    except RuntimeError:
        device = None
    # torch knows many more (meta, xla, ...); none of them is tested here.
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise BadInput(f"device must be auto, cpu, cuda or mps, but got {name!r}; choose one.")
    present = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= present[device.type]:
        raise BadEnvironment(f"device must be present, but got {name!r}, which this machine lacks; pass --device cpu.")
    return device
