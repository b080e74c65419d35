"""Batches, and the order in which training sees samples: a function of (seed, step), whoever asks for it."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mereo.counter_random import counter_generator, counter_randomness
from mereo.data.sample import Sample, Samples
from mereo.data.source_order import seed_of_source, turn_of_step
from mereo.errors import BadInput, MereoError, dead_worker, is_dead_worker

SECONDS_AFTER_SIGTERM = 60.0
NO_WORD = -1  # The scene or texture of an image that has none, in a batch where others have one.


@dataclass(frozen=True)
class Batch:
    """Samples of one size, stacked. `image_BCHW` holds pixels 0..255 (uint8); absent labels are None.

    `scene_B` and `texture_B` hold `NO_WORD` (-1) for images without one.
    """

    names: tuple[str, ...]
    image_BCHW: Tensor
    semantic_BHW: Tensor | None = None
    instances_BHW: Tensor | None = None
    parts_BHW: Tensor | None = None
    material_BHW: Tensor | None = None
    texture_BHW: Tensor | None = None
    superpixels_BHW: Tensor | None = None
    scene_B: Tensor | None = None
    texture_B: Tensor | None = None

    def required(self, name: str) -> Tensor:
        value = getattr(self, name)
        if value is None:
            raise BadInput(f"this loss must have {name} in every sample, but got none; use data with these labels.")
        return value

    def to(self, device: torch.device | str) -> "Batch":
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True) for name, value in values.items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)


def collate(samples: Sequence[Sample]) -> Batch:
    """Label maps that only some samples carry are left out: a batch comes from one source, which has all or none.

    Words are given to single images, so the others of a batch hold `NO_WORD`; without any word there is no tensor.
    """

    def stacked(name: str) -> Tensor | None:
        values = [getattr(sample, name) for sample in samples]
        return None if any(value is None for value in values) else torch.stack([v.as_subclass(Tensor) for v in values])

    def indices(name: str) -> Tensor | None:
        values = [getattr(sample, name) for sample in samples]
        if all(value is None for value in values):
            return None
        return torch.tensor([NO_WORD if value is None else value for value in values])

    sizes = {sample.size for sample in samples}
    if len(sizes) != 1:
        raise BadInput(f"samples of a batch must have one size, but got {sorted(sizes)}; set a crop.")
    return Batch(
        names=tuple(sample.name for sample in samples),
        image_BCHW=torch.stack([sample.image_CHW.as_subclass(Tensor) for sample in samples]),
        semantic_BHW=stacked("semantic_HW"),
        instances_BHW=stacked("instances_HW"),
        parts_BHW=stacked("parts_HW"),
        material_BHW=stacked("material_HW"),
        texture_BHW=stacked("texture_HW"),
        superpixels_BHW=stacked("superpixels_HW"),
        scene_B=indices("scene"),
        texture_B=indices("texture"),
    )


@lru_cache(maxsize=8)
def epoch_order(num_samples: int, seed: int, epoch: int) -> tuple[int, ...]:
    return tuple(torch.randperm(num_samples, generator=counter_generator(seed, "order", epoch)).tolist())


def samples_of_step(step: int, *, batch_size: int, num_samples: int, seed: int) -> list[tuple[int, int]]:
    """(epoch, index) of each sample of the global batch at `step`: an endless stream of shuffled epochs, cut up.

    >>> [index for _, index in samples_of_step(0, batch_size=3, num_samples=3, seed=0)] == list(epoch_order(3, 0, 0))
    True
    """
    positions = range(step * batch_size, (step + 1) * batch_size)
    return [(p // num_samples, epoch_order(num_samples, seed, p // num_samples)[p % num_samples]) for p in positions]


def samples_of_joint_step(
    step: int, *, batch_size: int, source_sizes: tuple[int, ...], seed: int
) -> list[tuple[int, int]]:
    """(epoch, index) of a step whose batch comes from one of several sources. Indices count through all of them, the
    epoch is the source's own.

    >>> one_source = {"batch_size": 4, "seed": 0}
    >>> samples_of_joint_step(2, source_sizes=(9,), **one_source) == samples_of_step(2, num_samples=9, **one_source)
    True
    """
    source, turn = turn_of_step(step, sizes=source_sizes, seed=seed)
    own = samples_of_step(
        turn, batch_size=batch_size, num_samples=source_sizes[source], seed=seed_of_source(seed, source)
    )
    first = sum(source_sizes[:source])
    return [(epoch, first + index) for epoch, index in own]


def shard(items: list[tuple[int, int]], *, rank: int, num_processes: int) -> list[tuple[int, int]]:
    """This process's contiguous part of a global batch; parts differ by one where it does not divide."""
    return items[rank * len(items) // num_processes : (rank + 1) * len(items) // num_processes]


class StepSampler(Sampler[list[tuple[int, int]]]):
    """Yields this process's (epoch, index) pairs for steps first_step .. num_steps - 1.

    `source_sizes`: samples in each source; the batch of a step comes from one source, the same in every process.
    """

    def __init__(
        self,
        *,
        source_sizes: tuple[int, ...],
        batch_size: int,
        seed: int,
        first_step: int,
        num_steps: int,
        rank: int = 0,
        num_processes: int = 1,
    ) -> None:
        if not source_sizes or min(source_sizes) < 1:
            raise BadInput("training data must hold at least one sample, but got 0; check the folder.")
        if batch_size < num_processes:
            raise BadInput(
                f"batch_size must be at least the number of processes, but got {batch_size} for {num_processes}; "
                "raise it."
            )
        self.source_sizes, self.batch_size, self.seed = tuple(source_sizes), batch_size, seed
        self.first_step, self.num_steps = first_step, num_steps
        self.rank, self.num_processes = rank, num_processes

    def __len__(self) -> int:
        return max(0, self.num_steps - self.first_step)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in range(self.first_step, self.num_steps):
            items = samples_of_joint_step(
                step, batch_size=self.batch_size, source_sizes=self.source_sizes, seed=self.seed
            )
            yield shard(items, rank=self.rank, num_processes=self.num_processes)


class AugmentedSamples(Dataset[Sample]):
    """Samples by (epoch, index), each augmented with the randomness of its own (seed, epoch, index)."""

    def __init__(self, samples: Samples, augment: Callable[[Sample], Sample], *, seed: int) -> None:
        self.samples, self.augment, self.seed = samples, augment, seed

    def __getitem__(self, epoch_and_index: tuple[int, int]) -> Sample:
        epoch, index = epoch_and_index
        sample = self.samples[index]
        with counter_randomness(self.seed, "augment", epoch, index):
            return self.augment(sample)


class _CollatedSamples(Dataset[Batch]):
    """Whole batches, or the error that reading one met: an error raised in a worker would arrive as a traceback."""

    def __init__(self, samples: AugmentedSamples) -> None:
        self.samples = samples

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch | MereoError:
        try:
            return collate([self.samples[key] for key in keys])
        except MereoError as error:
            return error


def training_batches(
    samples: Samples, augment: Callable[[Sample], Sample], sampler: StepSampler, *, num_workers: int = 0
) -> Generator[Batch, None, None]:
    loader = DataLoader(
        _CollatedSamples(AugmentedSamples(samples, augment, seed=sampler.seed)),
        batch_sampler=sampler,
        collate_fn=_as_it_is,
        num_workers=num_workers,
        prefetch_factor=4 if num_workers else None,
        worker_init_fn=_prepare_worker,
    )
    try:
        for batch in loader:
            if isinstance(batch, MereoError):
                raise batch
            yield batch
    except (RuntimeError, OSError, EOFError) as error:
        if not _says_that_a_worker_died(error, num_workers=num_workers):
            raise
        raise dead_worker(error) from error


@contextmanager
def dead_workers_explained() -> Iterator[None]:
    """Around everything that is done with the batches: once the system has told the loader of a worker's end, it raises
    its error wherever the main thread happens to be."""
    try:
        yield
    except RuntimeError as error:
        if not is_dead_worker(error):
            raise
        raise dead_worker(error) from error


def _says_that_a_worker_died(error: Exception, *, num_workers: int) -> bool:
    """The loader notices it itself, or meets the dead worker's socket or queue first.

    What a living worker raised comes back as "Caught ... in DataLoader worker process": a bug, to be seen as it is.
    """
    if num_workers == 0 or str(error).startswith("Caught "):
        return False
    return not isinstance(error, RuntimeError) or "DataLoader worker" in str(error)


def _as_it_is(batch: Any) -> Any:
    return batch


def _prepare_worker(worker: int) -> None:
    """Whoever stops a run (a terminal, a cluster, a service manager) signals all of its processes, and the first one
    still wants its batch, to save at the step's end. It tells its workers itself when it needs them no more."""
    torch.set_num_threads(1)
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_later)


def _end_later(number: int, frame: FrameType | None) -> None:
    timer = threading.Timer(SECONDS_AFTER_SIGTERM, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
