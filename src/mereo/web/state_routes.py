"""What a service says of itself: its parsers, whether it is well, and what it has counted."""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, Request, Response

from mereo.errors import BadEnvironment, BadInput, MereoError
from mereo.web.answer_shapes import HealthAnswer, ParsersAnswer
from mereo.web.documented_errors import errors
from mereo.web.parser_shelf import described_parser, unknown_parser
from mereo.web.problems import Problem, json_answer, problem_of, stopping
from mereo.web.request_shapes import MAX_CLICKS
from mereo.web.service import Service, service_of, unless_gone
from mereo.web.service_counts import CONTENT_TYPE

router = APIRouter()
LOG = logging.getLogger("mereo")
# How long the list of parsers waits for one that is being loaded.
LOADING_SECONDS = 20.0


@router.get("/v1/parsers", response_model=ParsersAnswer, responses=errors(429))
async def parsers(request: Request) -> Response:
    """Loads them all. A parser that cannot be loaded, or takes its time, keeps nobody from hearing of the others."""
    service = service_of(request)
    shelf, limits = service.shelf, service.limits
    index = await unless_gone(request, service.pixels.run(lambda: described_index(service)))
    begun_with = await unless_gone(request, service.pixels.run(lambda: _label_classes(service)))
    told = [parser_or_error(service, name, has_index=index is not None) for name in shelf.names]
    return json_answer(
        {
            "parsers": await asyncio.gather(*told),
            "default": shelf.default,
            "index": index,
            "labels": service.folder_path is not None,
            "label_classes": begun_with,
            "limits": {"body_bytes": limits.body_bytes, "pixels": limits.pixels, "clicks": MAX_CLICKS},
        }
    )


def _label_classes(service: Service) -> list[str] | None:
    from mereo.web.label_folder import LABELS_FOLDER, classes_of_labels

    names = None if service.folder_path is None else classes_of_labels(service.folder_path / LABELS_FOLDER)
    return None if names is None else list(names)


def described_index(service: Service) -> dict[str, Any] | None:
    """None also for one that cannot be read any more, wherever it is now: /v1/find tells why."""
    finder = service.finder
    if finder is None:
        return None
    try:
        return {"segments": finder.num_segments, "parser": service.index_parser, "classes": finder.classes}
    except (BadInput, BadEnvironment) as error:
        LOG.warning("The index cannot be read: %s", error)
        return None


async def parser_or_error(service: Service, name: str, *, has_index: bool) -> dict[str, Any]:
    try:
        async with asyncio.timeout(LOADING_SECONDS):
            return described_parser(name, await service.parser(name), has_index=has_index)
    except Problem:  # The service's own, and no parser's: it stops, or too many wait.
        raise
    except TimeoutError:
        return unknown_parser(
            name, "a parser must be loaded to tell what it can, but got one that is still on its way; ask again later."
        )
    except Exception as error:
        problem = problem_of(error)
        if not isinstance(error, MereoError):  # Of which the shelf has told.
            LOG.warning("%s cannot be loaded: %s", name, error, exc_info=error if problem.status == 500 else None)
        return unknown_parser(name, problem.sentence)


@router.get("/healthz", response_model=HealthAnswer, responses=errors())
async def health(request: Request) -> Response:
    """Answered by the event loop itself, and behind no queue."""
    service = service_of(request)
    if service.work.is_closed:
        raise stopping()
    return json_answer({"status": "ok", "waiting": len(service.work), "kept": len(service.kept)})


@router.get("/metrics", response_class=Response, responses=errors())
async def metrics(request: Request) -> Response:
    service = service_of(request)
    gauges = {
        "mereo_queue_length": ("Requests that wait for a parser.", lambda: len(service.work)),
        "mereo_body_bytes": ("Bytes of bodies that are coming in.", lambda: service.bodies.held_bytes),
        "mereo_pixel_bytes": ("Bytes of pixels that wait or are parsed.", lambda: service.parse_room.held_bytes),
        "mereo_kept_photographs": ("Photographs that are kept.", lambda: len(service.kept)),
        "mereo_kept_bytes": ("Bytes of kept photographs and what was found in them.", lambda: service.kept.num_bytes),
    }
    if (finder := service.finder) is not None:
        gauges["mereo_found_bytes"] = ("Bytes of photographs that were searched for.", lambda: finder.remembered_bytes)
    return Response(service.counts.text(gauges), headers={"Content-Type": CONTENT_TYPE})
