"""The start of a run, whatever it trains: its processes, its device, its lock, and who listens to signals."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment

from mereo.errors import BadEnvironment
from mereo.parser.devices import require_device
from mereo.training.memory_reuse import keep_freed_memory
from mereo.training.process_start import StartedProcesses
from mereo.training.process_watch import ProcessWatch
from mereo.training.run_folder import require_free_run_folder
from mereo.training.run_lock import run_lock
from mereo.training.settings import TrainingConfig
from mereo.training.stop_signals import StopSignals


@dataclass(frozen=True)
class StartedRun:
    fabric: Fabric
    signals: StopSignals
    watch: ProcessWatch


@contextmanager
def started_run(
    settings: TrainingConfig,
    *,
    out: Path,
    is_resumed: bool,
    require_same: Callable[[], None],
    has_idle_weights: bool = False,
) -> Iterator[StartedRun]:
    """Every process comes in here; the first one holds the run folder.

    `require_same` is asked before a run goes on. `has_idle_weights`: some get no gradient, for which several processes
    must look at every step.
    """
    fabric = build_fabric(settings, has_idle_weights=has_idle_weights)
    with StopSignals() as signals, ExitStack() as stack:
        watch = stack.enter_context(ProcessWatch(_start_others(fabric, settings), num_processes=_num_all(settings)))
        fabric.launch()
        watch.connect(fabric)
        if fabric.is_global_zero:
            stack.enter_context(run_lock(out))
            require_free_run_folder(out, is_resumed=is_resumed)
            if is_resumed:
                require_same()
        if settings.num_threads is not None:
            torch.set_num_threads(settings.num_threads)
        if fabric.device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(settings.seed)  # Fresh weights, the same in every process.
        yield StartedRun(fabric, signals, watch)


def build_fabric(settings: TrainingConfig, *, has_idle_weights: bool = False) -> Fabric:
    """One device as a plain process; several (or under torchrun) data-parallel."""
    device = require_device(settings.device).type
    if device == "cuda" and torch.cuda.device_count() < settings.num_devices:
        raise BadEnvironment(
            f"all devices must be present, but got {torch.cuda.device_count()} of CUDA for {settings.num_devices}; "
            "pass --device cpu or fewer --devices."
        )
    num_local, num_all = _num_local(settings), _num_all(settings)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # It announces every process in four lines.
    several = "ddp_find_unused_parameters_true" if has_idle_weights else "ddp"
    return Fabric(
        accelerator=device,
        devices=num_local,
        num_nodes=max(1, num_all // num_local),
        strategy=several if num_all > 1 else "auto",
        precision=settings.precision,
    )


def _num_local(settings: TrainingConfig) -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", settings.num_devices))


def _num_all(settings: TrainingConfig) -> int:
    return int(os.environ.get("WORLD_SIZE", _num_local(settings)))


def _start_others(fabric: Fabric, settings: TrainingConfig) -> StartedProcesses:
    """The other processes, unless torchrun or a cluster started them, or this is one of them."""
    environment = getattr(fabric.strategy, "cluster_environment", None)
    is_started_here = isinstance(environment, LightningEnvironment) and not environment.creates_processes_externally
    return StartedProcesses(_num_local(settings) if is_started_here else 1)
