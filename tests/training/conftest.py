"""One warm process a test worker, from the fault tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from warm_process import warm

__all__ = ["warm"]
