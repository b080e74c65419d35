"""Service: what the routes of one application share: parsers, work, kept photographs, counts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request, Response

from mereo.parser.scene_parser import SceneParser
from mereo.web.bounded_bodies import BodyRoom
from mereo.web.byte_room import ByteRoom
from mereo.web.kept_photographs import KeptPhotographs
from mereo.web.parser_shelf import ParserShelf
from mereo.web.pixel_work import PixelWork
from mereo.web.problems import ClientGone, json_bytes
from mereo.web.service_counts import ServiceCounts
from mereo.web.service_limits import ServiceLimits
from mereo.web.shared_loads import SharedLoads
from mereo.web.work_queue import WorkQueue

if TYPE_CHECKING:
    from mereo.web.folder_photographs import FolderPhotographs
    from mereo.web.found_segments import SegmentFinder

Answer = TypeVar("Answer")


@dataclass(eq=False)
class Service:
    """`folder`: photographs to choose from, and where labels go; `finder`: what searches an index, whose
    parser is `index_parser`; None without one."""

    shelf: ParserShelf
    limits: ServiceLimits
    kept: KeptPhotographs
    work: WorkQueue
    pixels: PixelWork
    loads: SharedLoads
    counts: ServiceCounts
    bodies: BodyRoom
    parse_room: ByteRoom
    folder: "FolderPhotographs | None" = None
    folder_path: Path | None = None
    finder: "SegmentFinder | None" = None
    index_parser: str = ""

    def close(self, *, seconds: float = 0.0) -> bool:
        """On the event loop. Whoever waits is told; whether the network's work ended within `seconds`."""
        self.bodies.close()
        self.pixels.close()
        self.loads.close()
        return self.work.close(seconds=seconds)

    async def parser(self, name: str) -> SceneParser:
        """One that is still to be loaded is waited for beside everything else."""
        found = self.shelf.loaded(name)
        return await self.loads.run(name, lambda: self.shelf.get_for_client(name)) if found is None else found

    async def json(self, function: Callable[[], Any]) -> Response:
        """What a function of pixels gives, as JSON, both made beside the event loop."""
        content = await self.pixels.run(lambda: json_bytes(function()))
        return Response(content, media_type="application/json")


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def unless_gone(request: Request, work: Awaitable[Answer]) -> Answer:
    """The answer, or ClientGone as soon as the client hangs up: what has not begun by then never will."""
    answer, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise ClientGone
    finally:
        for one in (answer, gone):
            one.cancel()
            one.add_done_callback(_seen)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _seen(done: "asyncio.Future[Any]") -> None:
    """An exception that nobody looks at would be logged as one that nobody expected."""
    if not done.cancelled():
        done.exception()
