"""Bodies: capped for every content type before they are held, chunked ones too, in bounded time and room."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asked_service import Asked, application_of, error_of, png

from mereo.web.bounded_bodies import BodyRoom, BoundedBodies
from mereo.web.service_limits import ServiceLimits

LIMITS = ServiceLimits(body_bytes=1000, json_bytes=100, bodies_bytes=1500, body_seconds=0.2)


class Line:
    """An ASGI connection: pieces that come one by one, and what is said on it."""

    def __init__(self, pieces: list[bytes], *, pause: float = 0.0, hangs_up: bool = False) -> None:
        self.pieces, self.pause, self.hangs_up = list(pieces), pause, hangs_up
        self.num_asked, self.sent = 0, list[dict[str, Any]]()

    async def receive(self) -> dict[str, Any]:
        self.num_asked += 1
        await asyncio.sleep(self.pause)
        if not self.pieces:
            if not self.hangs_up:
                await asyncio.sleep(3600)
            return {"type": "http.disconnect"}
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or self.hangs_up}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def error(self) -> str:
        return str(json.loads(b"".join(one.get("body", b"") for one in self.sent[1:]))["error"])


def sent_over(
    line: Line,
    *,
    path: str = "/v1/parse",
    length: int | str | None = None,
    kind: str = "image/png",
    room: BodyRoom | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> list[bytes]:
    """What the application got to see as bodies."""
    seen: list[bytes] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        seen.append(message.get("body", b""))
        assert not message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    headers = [(b"content-type", kind.encode())]
    headers.append((b"transfer-encoding", b"chunked") if length is None else (b"content-length", str(length).encode()))
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    bodies = BoundedBodies(application, limits=LIMITS, room=room or BodyRoom(LIMITS.bodies_bytes))

    async def run() -> None:
        task = asyncio.ensure_future(bodies(scope, line.receive, line.send))
        if meanwhile is not None:
            await asyncio.sleep(0.05)
            meanwhile()
        await asyncio.wait_for(task, 10)

    asyncio.run(run())
    return seen


def test_a_body_comes_in_one_piece() -> None:
    line, room = Line([b"a" * 400, b"b" * 600]), BodyRoom(LIMITS.bodies_bytes)
    assert sent_over(line, length=1000, room=room) == [b"a" * 400 + b"b" * 600]
    assert line.status == 200 and room.held_bytes == 0


@pytest.mark.parametrize("kind", ["image/png", "application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_a_length_that_is_too_large_is_refused_before_a_byte_is_asked_for(kind: str) -> None:
    line = Line([], hangs_up=True)
    assert sent_over(line, length=1001, kind=kind) == []
    assert line.status == 413 and line.num_asked == 1, "only to take the rest off the line"
    assert line.error == "a body must have at most 1,000 bytes, but got 1,001 bytes; send a smaller picture."
    assert (b"connection", b"close") in [(key.lower(), value) for key, value in line.sent[0]["headers"]]


def test_a_refusal_is_sent_before_the_rest_is_taken_off_the_line() -> None:
    line = Line([b"x" * 300] * 4)
    order: list[str] = []
    receive, send = line.receive, line.send

    async def receives() -> dict[str, Any]:
        order.append("asked")
        return await receive()

    async def sends(message: dict[str, Any]) -> None:
        order.append("told")
        await send(message)

    line.receive, line.send = receives, sends  # type: ignore[method-assign]
    sent_over(line, length=1200)
    assert order == ["told", "told", "asked", "asked", "asked", "asked", "told"] and not line.pieces


def test_a_chunked_body_is_refused_as_soon_as_it_has_grown_too_large() -> None:
    line = Line([b"x" * 300] * 6)
    room = BodyRoom(LIMITS.bodies_bytes)
    assert sent_over(line, room=room) == []
    assert line.status == 413 and "but got more" in line.error and room.held_bytes == 0
    assert sent_over(Line([b"x" * 300] * 3)) == [b"x" * 900]


def test_a_body_longer_than_it_says_is_bounded_too() -> None:
    line = Line([b"x" * 900, b"y" * 900], hangs_up=True)
    assert sent_over(line, length=10) == [] and line.status == 413


def test_json_has_less_room_than_pictures() -> None:
    line = Line([b"x" * 101])
    assert sent_over(line, path="/v1/clicks", length=101, kind="application/json") == []
    assert line.status == 413 and "at most 100 bytes" in line.error
    assert sent_over(Line([b"{}"]), path="/v1/clicks", length=2, kind="application/json") == [b"{}"]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "", "²"])
def test_a_length_that_is_no_number(text: str) -> None:
    scope_line = Line([])
    sent_over(scope_line, length=text.encode("utf-8").decode("latin-1"))
    assert scope_line.status == 400 and "Content-Length must be a whole number" in scope_line.error


def test_a_length_of_a_thousand_digits_is_too_large() -> None:
    line = Line([], hangs_up=True)
    sent_over(line, length="9" * 1000)
    assert line.status == 413


def test_a_body_that_trickles_is_told_so_in_time() -> None:
    line, room = Line([b"x"] * 50, pause=0.05), BodyRoom(LIMITS.bodies_bytes)
    assert sent_over(line, length=50, room=room) == []
    assert line.status == 408 and "a body must come within 0.2 s, but got" in line.error
    assert room.held_bytes == 0 and not room.waits


def test_nobody_is_answered_who_hung_up() -> None:
    line = Line([b"x" * 10], hangs_up=True)
    assert sent_over(line, length=20) == [] and line.sent == []


def test_bodies_share_one_room() -> None:
    room = BodyRoom(LIMITS.bodies_bytes)
    room.held_bytes = 1000
    line = Line([b"x" * 600])
    assert sent_over(line, length=600, room=room) == []
    assert line.status == 429 and room.held_bytes == 1000
    assert (b"retry-after", b"2") in [(key.lower(), value) for key, value in line.sent[0]["headers"]]
    chunked = Line([b"x" * 300] * 3)
    assert sent_over(chunked, room=room) == [] and chunked.status == 429 and room.held_bytes == 1000
    assert sent_over(Line([b"x" * 500]), length=500, room=room) == [b"x" * 500]


def test_who_still_sends_when_the_service_stops_is_told() -> None:
    room = BodyRoom(LIMITS.bodies_bytes)
    line = Line([b"x"] * 100, pause=0.02)
    assert sent_over(line, length=100, room=room, meanwhile=room.close) == []
    assert line.status == 503 and "while it stops" in line.error
    later = Line([b"x"] * 2, pause=0.02)
    assert sent_over(later, length=2, room=room) == [] and later.status == 503


def test_every_route_has_the_cap_around_it() -> None:
    with application_of(limits=LIMITS) as application:
        ask = Asked(application)
        for method, path in (("POST", "/v1/parse"), ("POST", "/v1/clicks"), ("GET", "/healthz"), ("PUT", "/nowhere")):
            assert "a body must have at most" in error_of(ask(method, path, content=b"x" * 1001), 413)

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 100

        assert "but got more" in error_of(ask.post("/v1/parse", endless()), 413)
        assert ask.service.bodies.held_bytes == 0


def test_a_picture_below_the_cap_is_taken() -> None:
    content = png()
    with application_of(limits=ServiceLimits(body_bytes=len(content))) as application:
        ask = Asked(application)
        assert ask.post("/v1/parse", content).status_code == 200
        error_of(ask.post("/v1/parse", content + b"x"), 413)
