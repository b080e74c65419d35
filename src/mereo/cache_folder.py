"""Where things lie that are only kept to save time, and may be deleted whenever somebody likes."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """MEREO_CACHE, else the user's cache folder."""
    if os.environ.get("MEREO_CACHE"):
        return Path(os.environ["MEREO_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mereo"
