"""One warm process a test worker; tiny recipes come from the training tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from warm_process import warm

__all__ = ["warm"]
