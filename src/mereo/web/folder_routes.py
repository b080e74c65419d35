"""GET /v1/folder: photographs of the folder by number and name, and small pictures of them. No request names a path."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from mereo.web.answer_shapes import FolderAnswer
from mereo.web.documented_errors import answers_as, errors
from mereo.web.problems import Problem
from mereo.web.request_shapes import MAX_SIDE, FolderQuery
from mereo.web.service import service_of, unless_gone

router = APIRouter()


@router.get("/v1/folder", response_model=FolderAnswer, responses=errors(422, 429))
async def photographs(request: Request, query: Annotated[FolderQuery, Query()]) -> Response:
    service = service_of(request)
    folder = service.folder

    def listed() -> dict[str, object]:
        if folder is None:
            return {"photographs": [], "total": 0}
        names = folder.names(query.start, query.count)
        return {"photographs": [{"number": number, "name": name} for number, name in names], "total": folder.total}

    return await unless_gone(request, service.json(listed))


@router.get(
    "/v1/folder/{number}/thumbnail",
    response_class=Response,
    responses=answers_as("image/jpeg", "At most 320 pixels a side", 400, 404, 422, 429),
)
async def thumbnail(request: Request, number: Annotated[int, Path(ge=0, le=MAX_SIDE)]) -> Response:
    service = service_of(request)
    folder = service.folder
    if folder is None:
        raise no_folder()
    content = await unless_gone(request, service.pixels.run(lambda: folder.thumbnail(number)))
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


def no_folder() -> Problem:
    return Problem(
        404,
        "the service must have a folder of photographs, but got none; start it with one, or send a picture.",
    )
