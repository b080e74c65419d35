"""One thread a test process, a cache of its own, and the shared data where it exists."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"

# Workers of pytest-xdist share the cores; more threads than cores only make every test slower. Also for subprocesses.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Results and pictures must not depend on the terminal or the reader's language.
os.environ["COLUMNS"] = "120"
os.environ.pop("MEREO_CACHE", None)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache."""
    folder = tmp_path_factory.getbasetemp() / "mereo_cache"
    monkeypatch.setenv("MEREO_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """`shared/`, beside the checkout: real photographs with labels, specifications, an ImageNet backbone."""
    if not SHARED.is_dir():
        pytest.skip("the folder shared/ is not beside this checkout (real data for tests; not part of the package)")
    return SHARED
