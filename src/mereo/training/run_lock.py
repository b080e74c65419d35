"""One process at a time trains in a run folder."""

from contextlib import AbstractContextManager
from pathlib import Path

from mereo.folder_lock import LockedFolder, folder_lock

LOCK_FILE = "run.lock"
RUN_FOLDER = LockedFolder(
    what="a run folder",
    does="trains in it",
    lock_file=LOCK_FILE,
    otherwise="wait for it, stop it, or choose another --out",
    without_locks="start no second run in this folder",
)


def run_lock(folder: Path) -> AbstractContextManager[None]:
    """Holds a run folder (made if absent) while the block runs."""
    return folder_lock(folder, RUN_FOLDER)
