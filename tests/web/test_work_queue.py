"""The queue: bounded, alike things together, nothing for those who left, and an end that everybody hears of."""

import asyncio
import re
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

import mereo.web.work_queue as work_queue_file
from mereo.web.problems import Problem
from mereo.web.work_queue import WorkQueue


class Worked:
    """Work that is held back until somebody lets it go, and says what was done together."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.may_go, self.has_begun = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.has_begun.set()
        assert self.may_go.wait(10)
        self.batches.append(list(items))
        return [ValueError(item) if item == "bad" else f"{item}!" for item in items]


def with_queue(
    use: Callable[[WorkQueue, Worked], Coroutine[Any, Any, None]], *, waiting: int = 8, together: int = 3
) -> list[list[Any]]:
    """After `use` all that was done together."""
    queue, worked = WorkQueue(waiting=waiting, together=together), Worked()

    async def run() -> None:
        await asyncio.wait_for(use(queue, worked), 20)

    try:
        asyncio.run(run())
    finally:
        worked.may_go.set()
        assert queue.close(seconds=10)
    return worked.batches


async def started(queue: WorkQueue, worked: Worked, *items: Any, key: str | None = "a") -> list["asyncio.Task[Any]"]:
    """The first one has begun, the others wait."""
    tasks = []
    for item in items:
        tasks.append(asyncio.ensure_future(queue.together(key, worked, item)))
        await asyncio.sleep(0)
        while not worked.has_begun.is_set():
            await asyncio.sleep(0.001)
    return tasks


def test_what_waits_and_is_alike_is_done_together() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, 2)
        tasks += await started(queue, worked, "x", key="b")
        tasks += await started(queue, worked, 3, 4, 5)
        assert len(queue) == 5
        worked.may_go.set()
        assert await asyncio.gather(*tasks) == ["1!", "2!", "x!", "3!", "4!", "5!"]

    assert with_queue(use) == [[1], [2, 3, 4], ["x"], [5]]


def test_what_has_no_key_is_done_alone() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, 2, 3, key=None)
        worked.may_go.set()
        await asyncio.gather(*tasks)
        assert await queue.alone(lambda: 7) == 7

    assert with_queue(use) == [[1], [2], [3]]


def test_beyond_the_bound_somebody_is_sent_away_and_told_when_to_come_back() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, 2, 3)
        with pytest.raises(Problem, match="requests that wait for the parser must be at most 2 at a time") as refused:
            await queue.together("a", worked, 4)
        assert refused.value.status == 429 and 1 <= int(refused.value.headers["Retry-After"]) <= 60
        worked.may_go.set()
        await asyncio.gather(*tasks)
        assert await queue.together("a", worked, 5) == "5!"

    assert with_queue(use, waiting=2) == [[1], [2, 3], [5]]


def test_work_of_those_who_left_is_dropped_and_makes_room() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, 2, 3)
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        assert len(queue) == 1
        tasks += await started(queue, worked, 4)
        worked.may_go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(one) for one in results] == ["1!", "", "3!", "4!"]

    assert with_queue(use, waiting=2) == [[1], [3, 4]]


def test_an_error_is_that_of_its_item_alone() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, "bad", 3)
        worked.may_go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[0] == "1!" and results[2] == "3!" and isinstance(results[1], ValueError)

    assert with_queue(use) == [[1], ["bad", 3]]


def test_work_that_fails_as_a_whole_fails_for_all_and_the_thread_goes_on() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        def failing(items: Sequence[Any]) -> list[Any]:
            raise RuntimeError("no memory")

        with pytest.raises(RuntimeError, match="no memory"):
            await queue.together("a", failing, 1)
        assert await queue.alone(lambda: "well") == "well"

    with_queue(use)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), BaseException("a panic of a library")])
def test_whatever_work_raises_the_thread_goes_on(error: BaseException) -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        def failing(items: Sequence[Any]) -> list[Any]:
            raise error

        with pytest.raises(RuntimeError, match=rf"the work was given up: {re.escape(repr(error))}"):
            await asyncio.wait_for(queue.together("a", failing, 1), 5)
        assert await asyncio.wait_for(queue.alone(lambda: "well"), 5) == "well"

    with_queue(use)


def test_at_the_end_everybody_is_told_at_once() -> None:
    async def use(queue: WorkQueue, worked: Worked) -> None:
        tasks = await started(queue, worked, 1, 2, 3)
        start = time.perf_counter()
        assert not queue.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert time.perf_counter() - start < 1, "nobody waits for what runs"
        assert [one.status for one in results] == [503, 503, 503]
        with pytest.raises(Problem, match="the service must be running to answer, but got a request while it stops"):
            await queue.together("a", worked, 4)

    assert with_queue(use) == [[1]]


def test_an_answer_for_a_loop_that_is_gone_hurts_nobody() -> None:
    queue, worked = WorkQueue(waiting=4, together=2), Worked()

    async def leave() -> None:
        await started(queue, worked, 1)

    asyncio.run(leave())
    worked.may_go.set()

    async def come() -> str:
        return str(await queue.together("a", worked, 2))

    assert asyncio.run(come()) == "2!" and queue.close(seconds=10)


class Photograph:
    """Something large; a weak reference says when it is let go of."""


@pytest.mark.parametrize("key", ["a", None])
def test_the_last_photograph_and_its_answer_are_let_go_before_memory_is_given_back(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_giving_back, may_go_on = threading.Event(), threading.Event()

    def held() -> None:
        is_giving_back.set()
        assert may_go_on.wait(10)

    monkeypatch.setattr(work_queue_file, "give_back", held)
    seen: list[weakref.ref[Photograph]] = []

    def made() -> Photograph:
        one = Photograph()
        seen.append(weakref.ref(one))
        return one

    async def use(queue: WorkQueue, worked: Worked) -> None:
        await queue.together(key, lambda items: [made() for _ in items], made())
        await asyncio.sleep(0.001)  # The step of the loop that brings the answer holds it.
        while not is_giving_back.is_set():
            await asyncio.sleep(0.001)
        try:
            assert [one() for one in seen] == [None, None]
        finally:
            may_go_on.set()

    with_queue(use)
