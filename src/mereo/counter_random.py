"""Randomness by counting instead of by state: the same (seed, purpose, epoch, index) gives the same numbers anywhere.

A run that is killed and resumed, or split over more workers or processes, draws the same crops in the same order,
because nothing depends on what was drawn before.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def counter_seed(*counters: int | str) -> int:
    """A 63-bit seed from any counters, e.g. `counter_seed(seed, "augment", epoch, index)`."""
    digest = hashlib.blake2b("/".join(map(str, counters)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def counter_generator(*counters: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(counter_seed(*counters))


@contextmanager
def counter_randomness(*counters: int | str) -> Iterator[None]:
    """Code inside draws from torch's global CPU generator as if freshly seeded; the caller's state is put back."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed every GPU as well, and nothing would put their states back.
        torch.default_generator.manual_seed(counter_seed(*counters))
        yield
