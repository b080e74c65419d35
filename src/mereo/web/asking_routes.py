"""POST /v1/why, /v1/tokens and /v1/find: questions that the network is asked again for."""

import os
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from mereo.errors import BadInput
from mereo.web.answer_shapes import FindAnswer, TokensAnswer, WhyAnswer
from mereo.web.documented_errors import WITH_BODY, errors
from mereo.web.problems import Problem, json_bytes
from mereo.web.request_shapes import FindRequest, TokensRequest, WhyRequest
from mereo.web.service import Service, service_of, unless_gone

if TYPE_CHECKING:
    from mereo.web.found_segments import SegmentFinder

router = APIRouter()


@router.post("/v1/why", response_model=WhyAnswer, responses=errors(404, *WITH_BODY))
async def why(request: Request, asked: WhyRequest) -> Response:
    from mereo.web.heat_answer import heat_answer

    service = service_of(request)
    image_HWC = service.kept.get(asked.photograph).image_HWC
    name = service.shelf.require(asked.parser)

    async def answer() -> bytes:
        parser = await service.parser(name)
        return await service.work.alone(lambda: json_bytes(heat_answer(parser, image_HWC, question=asked.question)))

    return Response(await unless_gone(request, answer()), media_type="application/json")


@router.post("/v1/tokens", response_model=TokensAnswer, responses=errors(404, *WITH_BODY))
async def tokens(request: Request, asked: TokensRequest) -> Response:
    from mereo.web.token_answer import token_answer

    service = service_of(request)
    image_HWC = service.kept.get(asked.photograph).image_HWC
    name = service.shelf.require(asked.parser)
    if (asked.x is None) != (asked.y is None):
        raise BadInput("x and y must be given together or not at all, but got one of them; give both.")
    point = None if asked.x is None or asked.y is None else (asked.x, asked.y)

    async def answer() -> bytes:
        parser = await service.parser(name)
        return await service.work.alone(lambda: json_bytes(token_answer(parser, image_HWC, point=point)))

    return Response(await unless_gone(request, answer()), media_type="application/json")


@router.post("/v1/find", response_model=FindAnswer, responses=errors(404, *WITH_BODY))
async def find(request: Request, asked: FindRequest) -> Response:
    service = service_of(request)
    kept, finder = service.kept.get(asked.photograph), service.finder
    if finder is None:
        raise Problem(
            404,
            "the service must have an index to search, but got none; build one with mereo index build FOLDER, and "
            "start it with --index.",
        )

    def answered() -> bytes:
        answer = finder.find(
            kept.image_HWC,
            name=kept.name,
            x=asked.x,
            y=asked.y,
            top=asked.top,
            class_name=asked.class_name,
            not_this=asked.not_this,
        )
        numbers = _numbers_in_folder(service, finder)
        found = [{**one, "folder": numbers.get(one["image"])} for one in answer["found"]]
        return json_bytes({**answer, "found": found})

    async def answer() -> bytes:
        await service.loads.run(finder, finder.prepare)
        return await service.work.alone(answered)

    return Response(await unless_gone(request, answer()), media_type="application/json")


def _numbers_in_folder(service: Service, finder: "SegmentFinder") -> dict[str, int]:
    """Of photographs by their names, if the index is of the folder that is shown: elsewhere such names mean others."""
    if service.folder is None or service.folder_path is None:
        return {}
    if os.path.realpath(service.folder_path) != os.path.realpath(finder.image_folder):
        return {}
    return {name: number for number, name in service.folder.names(0, service.folder.total)}
