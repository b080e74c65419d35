"""What a service says of itself: its parsers, whether it is well, and what it has counted."""

from fastapi import APIRouter, Request, Response

from mereo.web.answer_shapes import HealthAnswer, ParsersAnswer
from mereo.web.documented_errors import errors
from mereo.web.parser_shelf import described_parser
from mereo.web.problems import json_answer, stopping
from mereo.web.request_shapes import MAX_CLICKS
from mereo.web.service import service_of
from mereo.web.service_counts import CONTENT_TYPE

router = APIRouter()


@router.get("/v1/parsers", response_model=ParsersAnswer, responses=errors(429))
async def parsers(request: Request) -> Response:
    service = service_of(request)
    shelf, limits, finder = service.shelf, service.limits, service.finder

    def described_index() -> dict[str, object] | None:
        if finder is None:
            return None
        return {"segments": finder.num_segments, "parser": service.index_parser, "classes": finder.classes}

    def described() -> dict[str, object]:
        has_index = finder is not None
        return {
            "parsers": [described_parser(name, shelf.get(name), has_index=has_index) for name in shelf.names],
            "default": shelf.default,
            "index": described_index(),
            "labels": service.folder_path is not None,
            "limits": {"body_bytes": limits.body_bytes, "pixels": limits.pixels, "clicks": MAX_CLICKS},
        }

    return await service.json(described)


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
        "mereo_kept_photographs": ("Photographs that are kept.", lambda: len(service.kept)),
        "mereo_kept_bytes": ("Bytes of kept photographs and what was found in them.", lambda: service.kept.num_bytes),
    }
    return Response(service.counts.text(gauges), headers={"Content-Type": CONTENT_TYPE})
