"""SharedLoads: what takes its time to come, a parser from a disk or from the hub, each on a thread of its own.

Whoever asks for something that is on its way waits for that same load; nobody waits for what others asked for.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from mereo.web.problems import stopping, too_many

Loaded = TypeVar("Loaded")
RETRY_SECONDS = 5


class SharedLoads:
    """At most `waiting` requests wait for one load."""

    def __init__(self, *, waiting: int) -> None:
        self.most_waiting, self.is_closed = waiting, False
        self._running: dict[Hashable, Future[Any]] = {}
        self._guard = threading.Lock()
        self._waiting: dict[asyncio.Future[Any], Hashable] = {}

    @property
    def is_running(self) -> bool:
        return bool(self._running)

    async def run(self, key: Hashable, load: Callable[[], Loaded]) -> Loaded:
        """A load that failed is begun anew by whoever asks next."""
        if self.is_closed:
            raise stopping()
        if Counter(self._waiting.values())[key] >= self.most_waiting:
            raise too_many("requests that wait for one parser to be loaded", self.most_waiting, seconds=RETRY_SECONDS)
        answer: asyncio.Future[Loaded] = asyncio.wrap_future(self._started(key, load))
        self._waiting[answer] = key
        try:
            return await answer
        except asyncio.CancelledError:
            if self.is_closed:
                raise stopping() from None
            raise
        finally:
            del self._waiting[answer]

    def close(self) -> None:
        """On the event loop. Whoever waits is told; a load that runs ends on its own."""
        self.is_closed = True
        for one in self._waiting:
            one.cancel()

    def _started(self, key: Hashable, load: Callable[[], Loaded]) -> "Future[Loaded]":
        with self._guard:
            if key in self._running:
                return self._running[key]
            found: Future[Loaded] = Future()
            # Running from the beginning: that one of those who wait goes away does not end it for the others.
            found.set_running_or_notify_cancel()
            self._running[key] = found
        threading.Thread(target=self._load, args=(key, load, found), name="mereo-load", daemon=True).start()
        return found

    def _load(self, key: Hashable, load: Callable[[], Loaded], found: "Future[Loaded]") -> None:
        try:
            loaded = load()
        except BaseException as error:
            self._end(key)
            found.set_exception(error)
        else:
            self._end(key)
            found.set_result(loaded)

    def _end(self, key: Hashable) -> None:
        with self._guard:
            del self._running[key]
