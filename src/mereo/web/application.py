"""create_application: the HTTP service over parsers, and the studio where it has its page (docs/service.md)."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from mereo.parser.scene_parser import SceneParser
from mereo.version import VERSION
from mereo.web import asking_routes, folder_routes, mask_routes, parse_routes, state_routes
from mereo.web.bounded_bodies import BodyRoom, BoundedBodies
from mereo.web.byte_room import ByteRoom
from mereo.web.kept_photographs import KeptPhotographs
from mereo.web.page_files import serve_page
from mereo.web.parser_shelf import Loader, ParserShelf, short_name
from mereo.web.pixel_work import PixelWork
from mereo.web.problems import tell_problems
from mereo.web.request_deadline import RequestDeadline
from mereo.web.request_guard import LOOPBACK_HOSTS, RequestGuard
from mereo.web.safe_headers import SafeHeaders
from mereo.web.service import Service
from mereo.web.service_counts import CountedRequests, ServiceCounts
from mereo.web.service_limits import ServiceLimits
from mereo.web.shared_loads import SharedLoads
from mereo.web.work_queue import WorkQueue

# How long the end of a service waits for what runs just then.
ENDING_SECONDS = 5.0


def create_application(
    parsers: Mapping[str, SceneParser | Loader] | ParserShelf,
    *,
    default: str | None = None,
    folder: Path | None = None,
    index: Path | None = None,
    has_page: bool = False,
    limits: ServiceLimits | None = None,
    token: str | None = None,
    allowed_hosts: Collection[str] = LOOPBACK_HOSTS,
) -> FastAPI:
    """`default`: the parser that answers where none is named; left out, the first. `folder`: photographs to choose
    from, and where corrected labels go; `index`: an index to search. `has_page`: with the studio, whose parsers are all
    loaded before this returns. `allowed_hosts`: see RequestGuard."""
    shelf = parsers
    if not isinstance(shelf, ParserShelf):
        shelf = ParserShelf(shelf, default=default or next(iter(shelf), ""))
    limits = limits or ServiceLimits()
    counts = ServiceCounts()
    service = Service(
        shelf=shelf,
        limits=limits,
        kept=KeptPhotographs(most=limits.kept_photographs, most_bytes=limits.kept_bytes),
        work=WorkQueue(waiting=limits.waiting, together=limits.together, on_batch=counts.batch),
        pixels=PixelWork(waiting=limits.waiting),
        loads=SharedLoads(waiting=limits.waiting),
        counts=counts,
        bodies=BodyRoom(limits.bodies_bytes),
        # One picture that is allowed finds room, however large.
        parse_room=ByteRoom(max(limits.pixel_bytes, 3 * limits.pixels), what="bytes of pixels to parse"),
    )
    if folder is not None:
        from mereo.web.folder_photographs import FolderPhotographs

        service.folder, service.folder_path = FolderPhotographs(folder, max_pixels=limits.pixels), folder
    if index is not None:
        from mereo.retrieval.segment_index import SegmentIndex
        from mereo.web.found_segments import SegmentFinder

        service.index_parser = short_name(SegmentIndex.open(index).facts.parser)
        service.finder = SegmentFinder(index, shelf.of_index)

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        yield
        service.close(seconds=ENDING_SECONDS)

    application = FastAPI(
        title="Mereo", version=VERSION, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False
    )
    application.state.service = service
    tell_problems(application)
    for routes in (state_routes, folder_routes, parse_routes, mask_routes, asking_routes):
        application.include_router(routes.router)
    if has_page:
        # The page begins with asking what each of them can do: one that cannot be loaded would leave it dead.
        shelf.load_all()
        serve_page(application)
    # The last one added sees a request first.
    application.add_middleware(RequestDeadline, seconds=limits.request_seconds)
    application.add_middleware(BoundedBodies, limits=limits, room=service.bodies)
    application.add_middleware(RequestGuard, allowed_hosts=allowed_hosts, token=token)
    application.add_middleware(SafeHeaders)
    application.add_middleware(CountedRequests, counts=counts)
    return application
