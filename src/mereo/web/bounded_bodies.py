"""BoundedBodies: a body is read whole before anybody looks at it, never more of it than is allowed, never for longer.

Every content type and chunked bodies alike. A length that is too large is refused before a byte of the body is asked
for; a chunked body as soon as it has grown too large. Bodies of all requests together hold a bounded number of bytes.
A body that does not come in time is answered with 408.
"""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mereo.web.byte_room import ByteRoom, RoomPart
from mereo.web.problems import Problem, stopping
from mereo.web.service_limits import ServiceLimits

PICTURE_PATHS = ("/v1/parse",)
CLOSING = {"Connection": "close"}
# Of a body that was refused this much is still taken off the line, so that its sender gets to read the answer: a
# connection that is closed on unread bytes is reset, and the answer with it.
DRAINED_BYTES = 64 * 2**20
DRAINING_SECONDS = 3.0


class BodyRoom(ByteRoom):
    """What the bodies of all requests hold together while they come in; and the end of all that still come in."""

    def __init__(self, most: int) -> None:
        super().__init__(most, what="bytes in bodies")
        self.is_closed = False
        self.waits: set[asyncio.Timeout] = set()

    def close(self) -> None:
        """On the event loop: who still sends is told at once."""
        self.is_closed = True
        for wait in self.waits:
            wait.reschedule(asyncio.get_running_loop().time())


class BoundedBodies:
    def __init__(self, application: ASGIApp, *, limits: ServiceLimits, room: BodyRoom) -> None:
        self.application, self.limits, self.room = application, limits, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        try:
            declared = declared_length(scope)
            if declared == 0:
                await self.application(scope, receive, send)
                return
            most = self.limits.body_bytes if scope["path"] in PICTURE_PATHS else self.limits.json_bytes
            if declared is not None and declared > most:
                raise too_large(most, f"{declared:,} bytes")
            require_known_type(scope)
            with self.room.part(declared or 0) as part:
                content = await self._read(receive, most, part)
                if content is not None:
                    await self.application(scope, _replayed(content, receive), send)
        except Problem as problem:
            await _answer_and_drain(problem, scope, receive, send)

    async def _read(self, receive: Receive, most: int, part: RoomPart) -> bytes | None:
        """None if the client went away."""
        content = bytearray()
        wait = asyncio.timeout(0 if self.room.is_closed else self.limits.body_seconds)
        self.room.waits.add(wait)
        try:
            async with wait:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    content += message.get("body", b"")
                    if len(content) > most:
                        raise too_large(most, "more")
                    part.grow_to(len(content))
                    if not message.get("more_body", False):
                        return bytes(content)
        except TimeoutError as error:
            if self.room.is_closed:
                raise stopping() from error
            raise Problem(
                408,
                f"a body must come within {self.limits.body_seconds:g} s, but got {len(content):,} bytes by then; "
                "send it again.",
                headers=CLOSING,
            ) from error
        finally:
            self.room.waits.discard(wait)


def declared_length(scope: Scope) -> int | None:
    """0: no body; None: chunked, its length is not known."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    text = headers.get(b"content-length", b"0").decode("latin-1").strip()
    if not text.isdecimal() or not text.isascii():
        raise Problem(400, f"Content-Length must be a whole number, but got {text!r:.40}; send it again.")
    return int(text) if len(text) < 20 else 10**20


def require_known_type(scope: Scope) -> None:
    """Pictures may be sent as anything: what they are is seen in their bytes."""
    kind = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if scope["path"] not in PICTURE_PATHS and kind != "application/json":
        raise Problem(
            415, f"a body must be sent as application/json, but got {kind or 'no type'!r:.80}; set its Content-Type."
        )


def too_large(most: int, got: str) -> Problem:
    return Problem(
        413, f"a body must have at most {most:,} bytes, but got {got}; send a smaller picture.", headers=CLOSING
    )


def _replayed(content: bytes, receive: Receive) -> Receive:
    """The body in one piece; after it whatever the server says next, which is that the client has gone."""
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": content, "more_body": False}

    return told


async def _answer_and_drain(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    is_drained = problem.status == 413 and b"expect" not in dict(scope["headers"])

    async def sent(message: Any) -> None:
        if is_drained and message["type"] == "http.response.body":
            await send({**message, "more_body": True})
        else:
            await send(message)

    await problem.answer(scope, receive, sent)
    if is_drained:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    seen = 0
    try:
        async with asyncio.timeout(DRAINING_SECONDS):
            while seen < DRAINED_BYTES:
                message = await receive()
                seen += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
