"""Counted randomness depends on its counters and on nothing else."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mereo.counter_random import counter_generator, counter_randomness, counter_seed

GOLDEN = (3471081512423777433, 2193366286064284004)


def test_golden_seeds() -> None:
    """A change here changes the sample order of every run: old checkpoints would resume into another order."""
    assert counter_seed(0, "order", 0) == GOLDEN[0]
    assert counter_seed(1, "augment", 2, 3) == GOLDEN[1]


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4, unique=True))
def test_seeds_differ_and_fit_torch(counters: list[int]) -> None:
    seeds = {counter_seed(*pair) for pair in [counters[:2], counters[1:3], counters[2:], counters[1::-1]]}
    assert len(seeds) == 4 and all(0 <= seed < 2**63 for seed in seeds)


def test_draws_ignore_the_global_state_and_put_it_back() -> None:
    drawn, following = [], []
    for global_seed in (1, 1, 2):
        torch.manual_seed(global_seed)
        with counter_randomness(7, "augment", 0, 3):
            drawn.append(torch.rand(3))
        following.append(torch.rand(3))
    torch.manual_seed(1)
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    assert torch.equal(following[0], following[1]) and torch.equal(following[0], torch.rand(3))
    assert not torch.equal(following[0], following[2])
    assert torch.equal(drawn[0], torch.rand(3, generator=counter_generator(7, "augment", 0, 3)))


def test_the_state_is_put_back_after_an_error() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    try:
        with counter_randomness(0):
            raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_of_the_gpus_is_not_touched(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Nothing would put it back: dropout on a GPU would follow the last augmented sample."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: (_ for _ in ()).throw(AssertionError("reseeded")))
    with counter_randomness(0):
        torch.rand(1)
