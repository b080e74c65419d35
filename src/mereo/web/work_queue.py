"""WorkQueue: one thread works for everybody who waits; what waits is bounded, and alike things are done together.

Work whose client has gone away is dropped before it begins. When the queue closes, whoever waits is told so at once;
what runs just then ends on its own, and nobody waits for it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from mereo.freed_memory import give_back
from mereo.web.problems import stopping, too_many

# Seconds of a first job, before any has been seen; and how much the newest one counts in the mean.
FIRST_GUESS, NEWEST_COUNTS = 1.0, 0.2
LONGEST_RETRY = 60

Together = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(eq=False)
class Job:
    """`work` takes the items of all jobs of one `key` that are done together, and gives one answer (or exception) each.

    A job without a key is done alone.
    """

    item: Any
    work: Together
    key: Hashable | None
    answer: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    is_dropped: bool = field(default=False)

    def tell(self, result: Any) -> None:
        """From any thread."""
        try:
            self.loop.call_soon_threadsafe(self._set, result)
        except RuntimeError:  # The loop is closed: nobody waits any more.
            return

    def _set(self, result: Any) -> None:
        if self.answer.done():
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


class WorkQueue:
    def __init__(self, *, waiting: int, together: int, on_batch: Callable[[int], None] = lambda size: None) -> None:
        self.most_waiting, self.most_together, self.on_batch = waiting, together, on_batch
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.is_closed = False
        self._mean_seconds = FIRST_GUESS

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def retry_seconds(self) -> int:
        """When somebody who was sent away should find room again."""
        return min(LONGEST_RETRY, max(1, ceil(self._mean_seconds * max(1, len(self)) / 2)))

    def require_room(self) -> None:
        """Asked before the work that a job needs first; asked again when it comes."""
        if self.is_closed:
            raise stopping()
        if len(self._waiting) >= self.most_waiting:
            raise too_many("requests that wait for the parser", self.most_waiting, seconds=self.retry_seconds)

    async def alone(self, function: Callable[[], Any]) -> Any:
        return await self.together(None, lambda items: [item() for item in items], function)

    async def together(self, key: Hashable | None, work: Together, item: Any) -> Any:
        """`work` of jobs with one key must be one and the same function."""
        loop = asyncio.get_running_loop()
        job = Job(item, work, key, loop.create_future(), loop)
        with self._changed:
            self.require_room()
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mereo-work", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            return await job.answer
        finally:
            self._drop(job)

    def close(self, *, seconds: float = 0.0) -> bool:
        """Whoever waits is told; whether the thread ended within `seconds`."""
        with self._changed:
            self.is_closed = True
            told = [*self._waiting, *self._running]
            self._waiting.clear()
            self._changed.notify_all()
        for job in told:
            job.tell(stopping())
        if self._thread is not None and seconds > 0:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _drop(self, job: Job) -> None:
        job.is_dropped = True
        with self._changed:
            self._waiting = deque(other for other in self._waiting if other is not job)

    def _work(self) -> None:
        while self._work_once():
            # What a pass needed, hundreds of megabytes, is free now; the heap would keep it, with ever more holes.
            give_back()

    def _work_once(self) -> bool:
        """False when the queue is closed. By itself: its variables must not hold the last photographs until the next
        ones come."""
        jobs = self._next()
        if not jobs:
            return jobs is not None
        self.on_batch(len(jobs))
        start = time.perf_counter()
        try:
            answers = jobs[0].work([job.item for job in jobs])
        except BaseException as error:  # Also a library's panic: no other thread would go on with the rest.
            told = error if isinstance(error, Exception) else RuntimeError(f"the work was given up: {error!r}")
            answers = [told] * len(jobs)
        for job, answer in zip(jobs, answers):
            job.tell(answer)
        seconds = (time.perf_counter() - start) / len(jobs)
        self._mean_seconds += NEWEST_COUNTS * (seconds - self._mean_seconds)
        with self._changed:
            self._running = []
        return True

    def _next(self) -> list[Job] | None:
        """The longest waiting job and those that are done with it; None when the queue is closed."""
        with self._changed:
            while not self._waiting and not self.is_closed:
                self._changed.wait()
            if self.is_closed:
                return None
            first = self._waiting.popleft()
            jobs = [first]
            if first.key is not None:
                jobs += [job for job in self._waiting if job.key == first.key][: self.most_together - 1]
                self._waiting = deque(job for job in self._waiting if job not in jobs)
            self._running = [job for job in jobs if not job.is_dropped]
            return list(self._running)
