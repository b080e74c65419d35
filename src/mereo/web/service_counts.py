"""ServiceCounts: what a service has done, as Prometheus reads it (text format 0.0.4). No library is needed for that."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
TOGETHER_BOUNDS = (1, 2, 3, 4, 8)
# The client went away before there was an answer; nobody ever sees this status but who reads the counts.
GONE = 499


class Histogram:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total, self.num = bounds, [0] * len(bounds), 0.0, 0

    def add(self, value: float) -> None:
        self.total, self.num = self.total + value, self.num + 1
        for place, bound in enumerate(self.bounds):
            self.counts[place] += value <= bound

    def lines(self, name: str, labels: str = "") -> list[str]:
        comma = "," if labels else ""
        rows = [f'{name}_bucket{{{labels}{comma}le="{bound:g}"}} {n}' for bound, n in zip(self.bounds, self.counts)]
        braces = f"{{{labels}}}" if labels else ""
        rows.append(f'{name}_bucket{{{labels}{comma}le="+Inf"}} {self.num}')
        return [*rows, f"{name}_sum{braces} {self.total:.6f}", f"{name}_count{braces} {self.num}"]


class ServiceCounts:
    """Counted from the event loop and from the threads that work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._together = Histogram(TOGETHER_BOUNDS)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            self._seconds.setdefault(route, Histogram(SECONDS_BOUNDS)).add(seconds)

    def batch(self, size: int) -> None:
        with self._lock:
            self._together.add(size)

    def text(self, gauges: Mapping[str, tuple[str, Callable[[], float]]]) -> str:
        """`gauges`: by name what they mean and what they are now."""
        with self._lock:
            lines = _head("mereo_requests_total", "counter", "Requests by method, route and status (499: client gone).")
            lines += [
                f'mereo_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
                for (method, route, status), count in sorted(self._requests.items())
            ]
            lines += _head("mereo_request_seconds", "histogram", "Seconds from a request's head to its answer's end.")
            for route, histogram in sorted(self._seconds.items()):
                lines += histogram.lines("mereo_request_seconds", f'route="{route}"')
            lines += _head("mereo_batch_size", "histogram", "Photographs that went through a network together.")
            lines += self._together.lines("mereo_batch_size")
        for name, (meaning, value) in gauges.items():
            lines += [*_head(name, "gauge", meaning), f"{name} {value():g}"]
        return "\n".join(lines) + "\n"


class CountedRequests:
    """Routes are counted by their pattern: what clients write into addresses makes no new rows."""

    def __init__(self, application: ASGIApp, *, counts: ServiceCounts) -> None:
        self.application, self.counts = application, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        start, status = time.perf_counter(), GONE

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.application(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
            self.counts.request(method, route, status, time.perf_counter() - start)


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
