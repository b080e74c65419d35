"""Alone everything is the identity; together numbers are shared (two gloo processes)."""

import tempfile
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from mereo.processes import is_true_everywhere, mean_over_processes, num_processes


def test_alone() -> None:
    value = torch.tensor([1.0, 3.0], requires_grad=True)
    mean = mean_over_processes(value)
    assert num_processes() == 1 and mean.tolist() == [1.0, 3.0] and not mean.requires_grad
    assert is_true_everywhere(True) and not is_true_everywhere(False)


def _share(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    value = torch.tensor([1.0 + 2 * rank, 10.0])
    results = {
        "processes": num_processes(),
        "mean": mean_over_processes(value).tolist(),
        "kept": value.tolist(),
        "both": is_true_everywhere(True),
        "one": is_true_everywhere(rank == 0),
        "none": is_true_everywhere(False),
    }
    torch.save(results, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_share, args=(folder,), nprocs=2)
        for rank in (0, 1):
            results = torch.load(Path(folder) / f"{rank}.pt")
            kept = results.pop("kept")
            assert results == {"processes": 2, "mean": [2.0, 10.0], "both": True, "one": False, "none": False}
            assert kept == [1.0 + 2 * rank, 10.0]
