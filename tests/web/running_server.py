"""A service behind a real socket of this machine, in a thread; and clients of all kinds."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI

from mereo.web.serving import StoppableServer, listening_socket


@dataclass
class Running:
    port: int
    server: StoppableServer
    thread: threading.Thread = field(init=False)

    def stop(self, *, seconds: float = 15.0) -> float:
        """How long it took to end."""
        start = time.perf_counter()
        self.server.should_exit = True
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the server must end when it is told to"
        return time.perf_counter() - start


@contextmanager
def running(application: FastAPI) -> Iterator[Running]:
    started = threading.Event()
    listening = listening_socket("127.0.0.1", 0)
    server = StoppableServer(application, on_started=started.set)
    one = Running(listening.getsockname()[1], server)
    one.thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    one.thread.start()
    assert started.wait(20)
    try:
        yield one
    finally:
        one.stop()


def request_of(body: bytes, *, path: str = "/v1/parse", method: str = "POST", **headers: str) -> bytes:
    rows = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    rows += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*rows, "", ""]).encode() + body


async def answered(reader: asyncio.StreamReader, *, seconds: float = 30.0) -> int | None:
    """The status of an answer that comes whole; None if the line was closed without one."""
    async with asyncio.timeout(seconds):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(row.lower().split(": ", 1) for row in head.split("\r\n")[1:] if ": " in row)
            await reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
    status = int(head.split(" ", 2)[1])
    if status == 429:
        assert 1 <= int(headers["retry-after"]) <= 60
    return status


@dataclass(frozen=True)
class Client:
    """Opens a connection, and behaves."""

    port: int
    content: bytes

    async def patient(self) -> int | None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request_of(self.content))
            await writer.drain()
            return await answered(reader)
        except ConnectionError:
            return None
        finally:
            writer.close()

    async def leaving(self, *, share: float, after: float = 0.02) -> None:
        """After that share of the request; of 1: while the answer is made."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        whole = request_of(self.content)
        writer.write(whole[: int(share * len(whole))])
        await writer.drain()
        await asyncio.sleep(after)
        writer.transport.abort()

    async def slow(self, *, pause: float = 0.1) -> int | None:
        """A byte now and then."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        whole = request_of(self.content)
        head = whole.index(b"\r\n\r\n") + 4
        writer.write(whole[:head])
        telling = asyncio.ensure_future(answered(reader))
        try:
            for byte in whole[head:]:
                if telling.done():
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(pause)
            return await telling
        except ConnectionError:
            return await telling
        finally:
            writer.close()

    async def garbage(self, content: bytes) -> int | None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(content)
            await writer.drain()
            return await answered(reader)
        except ConnectionError:
            return None
        finally:
            writer.close()
