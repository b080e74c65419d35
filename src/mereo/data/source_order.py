"""Which source the batch of a step comes from: a function of (seed, step), in proportion to the sources' sizes.

Steps are dealt in rounds. A round has as many steps as all sources have samples together, and each source gets as many
of them as it has samples, in a shuffled order: over a round the proportion is exact, and nothing is remembered.
"""

from functools import lru_cache

import torch
from torch import Tensor

from mereo.counter_random import counter_generator, counter_seed


def turn_of_step(step: int, *, sizes: tuple[int, ...], seed: int) -> tuple[int, int]:
    """The source of a step, and how many batches that source gave before.

    >>> turn_of_step(7, sizes=(10,), seed=0)  # One source: every step is its turn.
    (0, 7)
    >>> drawn = [turn_of_step(step, sizes=(1, 2), seed=0)[0] for step in range(3)]
    >>> sorted(drawn)
    [0, 1, 1]
    """
    if len(sizes) == 1:
        return 0, step
    number, place = divmod(step, sum(sizes))
    source_P = _sources_of_round(sizes, seed, number)
    source = int(source_P[place])
    return source, number * sizes[source] + int((source_P[:place] == source).sum())


def seed_of_source(seed: int, source: int) -> int:
    """Each source walks epochs of its own. The first one's are those of a run with one source."""
    return seed if source == 0 else counter_seed(seed, "source", source)


@lru_cache(maxsize=2)
def _sources_of_round(sizes: tuple[int, ...], seed: int, number: int) -> Tensor:
    """As if all samples were shuffled into one order and each called its source."""
    order_P = torch.randperm(sum(sizes), generator=counter_generator(seed, "sources", number))
    ends = torch.tensor(sizes).cumsum(0)
    return torch.bucketize(order_P, ends, right=True).to(torch.int16)
