"""PixelWork: decoding, masks and files beside the event loop, in a few threads and in bounded number."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from mereo.web.problems import stopping, too_many

Answer = TypeVar("Answer")
THREADS = 2


class PixelWork:
    def __init__(self, *, waiting: int) -> None:
        self.most, self._num, self._lock = waiting + THREADS, 0, threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mereo-pixels")
        self._is_closed = False

    async def run(self, function: Callable[[], Answer]) -> Answer:
        if self._is_closed:
            raise stopping()
        if self._num >= self.most:
            raise too_many("requests for work on pixels", self.most, seconds=1)
        with self._lock:
            self._num += 1
        # Counted until the thread is done with it: that nobody waits any more does not make it run faster.
        work = self._threads.submit(function)
        work.add_done_callback(self._done)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if self._is_closed:
                raise stopping() from None
            raise

    def close(self) -> None:
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: "Future[Any]") -> None:
        with self._lock:
            self._num -= 1
