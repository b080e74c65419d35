"""A service over tiny parsers, asked in its own process: no socket, no browser, milliseconds a request."""

import asyncio
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))

from tiny_parser import random_image, tiny_parser

from mereo.parser.scene_parser import SceneParser
from mereo.web.application import create_application
from mereo.web.service import Service

ADDRESS = "http://localhost:8321"
SIZE = (48, 64)


@contextmanager
def application_of(parsers: dict[str, Any] | None = None, **others: Any) -> Iterator[FastAPI]:
    application = create_application(parsers or {"tiny": tiny_parser()}, **others)
    yield application
    application.state.service.bodies.is_closed = True
    application.state.service.pixels.close()
    assert application.state.service.work.close(seconds=10)


class Asked:
    """Requests one after the other, each in a loop of its own."""

    def __init__(self, application: FastAPI, *, headers: dict[str, str] | None = None, address: str = ADDRESS) -> None:
        self.application, self.headers, self.address = application, headers or {}, address

    @property
    def service(self) -> Service:
        service: Service = self.application.state.service
        return service

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.at_once(method, path, 1, **options)[0]

    def at_once(self, method: str, path: str, count: int, **options: Any) -> list[httpx.Response]:
        """The same request so many times."""

        async def asked() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.application)
            async with httpx.AsyncClient(transport=transport, base_url=self.address, headers=self.headers) as client:
                return await asyncio.gather(*(client.request(method, path, **options) for _ in range(count)))

        return asyncio.run(asked())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self("GET", path, **options)

    def post(self, path: str, content: Any = None, **options: Any) -> httpx.Response:
        return self(
            "POST", path, **({"json": content} if isinstance(content, dict) else {"content": content}), **options
        )

    def parsed(self, content: bytes | None = None, **parameters: Any) -> dict[str, Any]:
        answer = self.post("/v1/parse", png() if content is None else content, params=parameters)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def error_of(answer: httpx.Response, status: int) -> str:
    """Each in our grammar: what must be, what was got, and what to do."""
    assert answer.status_code == status, answer.text
    sentence = str(answer.json()["error"])
    assert " must " in sentence and " but got " in sentence and ("; " in sentence) and sentence.endswith((".", "?"))
    return sentence


def png(image_HWC: np.ndarray | None = None, *, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(random_image(*SIZE) if image_HWC is None else image_HWC).save(content, format=kind, **options)
    return content.getvalue()


def slow_parser(seconds: float) -> SceneParser:
    """That takes so long for each pass, whatever it sees."""
    import time

    parser = tiny_parser()
    forward = parser.forward

    def slowly(*arguments: Any, **options: Any) -> Any:
        time.sleep(seconds)
        return forward(*arguments, **options)

    parser.forward = slowly  # type: ignore[method-assign]
    return parser
