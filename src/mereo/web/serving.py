"""Serving an application until somebody stops it: whoever waits is told so, and it ends within seconds."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from mereo.errors import BadEnvironment, BadInput
from mereo.web.patient_protocol import PatientProtocol
from mereo.web.service import Service

BACKLOG = 256
MOST_CONNECTIONS = 512
ENDING_SECONDS = 5
PORTS_TRIED = 50


class StoppableServer(uvicorn.Server):
    """`on_started` is called when it answers."""

    def __init__(self, application: FastAPI, *, on_started: Callable[[], None] = lambda: None) -> None:
        config = uvicorn.Config(
            application,
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            backlog=BACKLOG,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
        super().__init__(config)
        self.service: Service = application.state.service
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.service.close()  # Before uvicorn waits for the requests that wait for us.
        await super().shutdown(sockets)


def serve(application: FastAPI, listening: socket.socket, *, on_started: Callable[[], None]) -> None:
    """Until Ctrl-C, which is raised on, or SIGTERM."""
    server = StoppableServer(application, on_started=on_started)
    try:
        asyncio.run(server.serve([listening]))
    finally:
        if not server.service.work.close(seconds=1) or server.service.loads.is_running:
            # A thread is still in the network, or loads one, and Python would wait for it, or tear it apart.
            sys.stdout.flush()
            os._exit(0)


def listening_socket(host: str, port: int) -> socket.socket:
    """Bound before anything is loaded: whoever's port is taken learns it at once."""
    family, address = _address_of(host, port)
    # Without its protocol asyncio does not know it for TCP, and short answers wait 40 ms for an acknowledgement.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # A port that was ours a moment ago is free. (On Windows this option would share it with another program.)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        free = _free_port(family, address)
        hint = "try another --port" if free is None else f"pass --port {free}"
        raise BadEnvironment(
            f"--port must be one that is free on {host}, but got {port}: {error.strerror or error}; {hint}."
        ) from error
    return found


def _address_of(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise BadInput(
            f"--host must be a name or address of this machine, but got {host!r:.80}; leave it out for 127.0.0.1."
        ) from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _free_port(family: socket.AddressFamily, address: tuple[str, int]) -> int | None:
    for port in range(address[1] + 1, min(address[1] + PORTS_TRIED, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            try:
                tried.bind((address[0], port))
            except OSError:
                continue
            return port
    return None
