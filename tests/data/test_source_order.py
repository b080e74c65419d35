"""Which source a step draws from is a function of (seed, step): in proportion, complete, the same from anywhere."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.counter_random import counter_generator
from mereo.data.batches import StepSampler, epoch_order, samples_of_joint_step, samples_of_step
from mereo.data.source_order import seed_of_source, turn_of_step

SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=5).map(tuple)
SEEDS = st.integers(0, 3)


def batches(sizes: tuple[int, ...], *, batch_size: int, seed: int, num_steps: int, **options: int) -> list:
    options = {"first_step": 0} | options
    return list(StepSampler(source_sizes=sizes, batch_size=batch_size, seed=seed, num_steps=num_steps, **options))


def source_of(index: int, sizes: tuple[int, ...]) -> int:
    return next(source for source in range(len(sizes)) if index < sum(sizes[: source + 1]))


@given(SIZES, SEEDS, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_a_round_gives_each_source_as_many_steps_as_it_has_samples(sizes: tuple[int, ...], seed: int, n: int) -> None:
    steps = range(n * sum(sizes), (n + 1) * sum(sizes))
    assert Counter(turn_of_step(step, sizes=sizes, seed=seed)[0] for step in steps) == dict(enumerate(sizes))


@given(SIZES, SEEDS, st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_turns_count_the_steps_before(sizes: tuple[int, ...], seed: int, num_steps: int) -> None:
    """The oracle remembers; the function counts."""
    before: Counter[int] = Counter()
    for step in range(num_steps):
        source, turn = turn_of_step(step, sizes=sizes, seed=seed)
        assert turn == before[source]
        before[source] += 1


@given(SIZES, SEEDS, st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_a_round_covers_every_sample_and_no_batch_mixes(sizes: tuple[int, ...], seed: int, batch_size: int) -> None:
    stream = batches(sizes, batch_size=batch_size, seed=seed, num_steps=sum(sizes))
    assert all(len({source_of(index, sizes) for _, index in batch}) == 1 for batch in stream)
    seen = Counter(item for batch in stream for item in batch)
    # Each source walks `batch_size` whole epochs of its own in a round: every sample once in each of them.
    assert seen == {(epoch, index): 1 for epoch in range(batch_size) for index in range(sum(sizes))}


@given(SIZES, SEEDS, st.integers(1, 4), st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_processes_and_resumptions_share_one_stream(
    sizes: tuple[int, ...], seed: int, num_processes: int, first_step: int
) -> None:
    arguments = {"batch_size": num_processes + 1, "seed": seed, "num_steps": first_step + 7}
    whole = batches(sizes, **arguments)
    shards = [
        batches(sizes, **arguments, first_step=first_step, rank=rank, num_processes=num_processes)
        for rank in range(num_processes)
    ]
    assert [sum(parts, []) for parts in zip(*shards, strict=True)] == whole[first_step:]
    # All processes of a step train the same heads.
    for parts in zip(*shards, strict=True):
        assert len({source_of(index, sizes) for part in parts for _, index in part}) == 1


@given(st.integers(1, 30), SEEDS, st.integers(1, 9), st.integers(0, 300_000))
@settings(max_examples=60, deadline=None)
def test_one_source_is_what_it_always_was(num_samples: int, seed: int, batch_size: int, step: int) -> None:
    plain = samples_of_step(step, batch_size=batch_size, num_samples=num_samples, seed=seed)
    assert samples_of_joint_step(step, batch_size=batch_size, source_sizes=(num_samples,), seed=seed) == plain


def test_sources_of_one_size_walk_orders_of_their_own() -> None:
    stream = [item for batch in batches((20, 20), batch_size=2, seed=0, num_steps=40) for item in batch]
    first = [index for epoch, index in stream if epoch == 0 and index < 20]
    second = [index - 20 for epoch, index in stream if epoch == 0 and index >= 20]
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    assert tuple(first) == epoch_order(20, 0, 0)
    assert seed_of_source(0, 1) != seed_of_source(0, 2) != seed_of_source(1, 2)


def test_golden_sources() -> None:
    """A change here changes every run of several sources."""
    drawn = [turn_of_step(step, sizes=(5, 3, 2), seed=0) for step in range(10)]
    assert drawn == GOLDEN


def test_a_late_step_draws_no_earlier_round(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def generator(*counters: int | str) -> object:
        asked.append(counters)
        return counter_generator(*counters)

    monkeypatch.setattr("mereo.data.source_order.counter_generator", generator)
    turn_of_step(200_000, sizes=(367, 626, 290, 401, 300), seed=9)
    assert asked == [(9, "sources", 200_000 // 1984)]


GOLDEN = [(0, 0), (0, 1), (2, 0), (1, 0), (2, 1), (0, 2), (0, 3), (1, 1), (0, 4), (1, 2)]
