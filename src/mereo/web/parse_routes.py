"""POST /v1/parse: a picture, a photograph of the folder, or a kept one, parsed. GET .../picture: what was parsed."""

import hashlib
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from PIL import Image

from mereo.data.pictures.image_reading import decode_image
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.pictures.picture_formats import START_BYTES, format_of_content
from mereo.errors import BadInput, TooManyPixels
from mereo.web.answer_shapes import ParseAnswer
from mereo.web.batched_parses import ParseOrder, batch_key, filled_orders
from mereo.web.documented_errors import WITH_BODY, answers_as, errors
from mereo.web.folder_routes import no_folder
from mereo.web.kept_photographs import KeptParse, new_id
from mereo.web.parse_answer import parse_answer
from mereo.web.parser_shelf import can_of
from mereo.web.problems import Problem, json_bytes
from mereo.web.request_shapes import ParseQuery
from mereo.web.service import Service, service_of, unless_gone

router = APIRouter()
PICTURE_SIDE = 2048
QUALITY = 90
PICTURE_BODY = {
    "requestBody": {
        "required": False,
        "description": "The bytes of a picture; empty with `folder` or `photograph`.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/v1/parse", response_model=ParseAnswer, responses=errors(404, *WITH_BODY), openapi_extra=PICTURE_BODY)
async def parse(request: Request, query: Annotated[ParseQuery, Query()]) -> Response:
    service = service_of(request)
    parser = service.shelf.require(query.parser)
    content = await request.body()
    if content.startswith(b"--") and request.headers.get("Content-Type", "").lower().startswith("multipart/"):
        raise Problem(415, "a body must be the picture itself, but got a form; with curl say --data-binary @FILE.")
    given = [name for name, is_there in _sources(query, content).items() if is_there]
    if len(given) != 1:
        raise Problem(
            400,
            "one of a picture as the body, folder and photograph must be given, but got "
            f"{' and '.join(given) or 'none'}; give one.",
        )
    answer = await unless_gone(request, _parsed(service, parser, query, content))
    return Response(answer, media_type="application/json")


@router.get(
    "/v1/photographs/{photograph}/picture",
    response_class=Response,
    responses=answers_as("image/jpeg", "The photograph, upright", 404, 422, 429),
)
async def picture(request: Request, photograph: str) -> Response:
    service = service_of(request)
    image_HWC = service.kept.get(photograph).image_HWC
    content = await unless_gone(request, service.pixels.run(lambda: upright_jpeg(image_HWC)))
    # An id stands for one photograph for ever, and browsers ask for it at every return to it.
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


async def _parsed(service: Service, parser_name: str, query: ParseQuery, content: bytes) -> bytes:
    """The answer's JSON. Whatever is dear comes after the question whether there is room for it."""
    id = new_id()
    if query.photograph is not None:
        kept = service.kept.get(query.photograph)
        if parser_name in kept.parses:
            return kept.parses[parser_name].answer
        id, name, image_HWC = kept.id, kept.name, kept.image_HWC
        service.work.require_room()
        parser = await service.parser(parser_name)
    else:
        service.work.require_room()
        # The parser first: bytes that wait for it take less room than pixels.
        parser = await service.parser(parser_name)
        name, image_HWC = await service.pixels.run(lambda: _opened(service, query.folder, content))
    with service.parse_room.part(image_HWC.nbytes):
        found = await _kept_parse(service, ParseOrder(parser_name, parser, image_HWC, name), id)
    service.kept.add(name, image_HWC, parser_name, found, id=id)
    return found.answer


async def _kept_parse(service: Service, order: ParseOrder, id: str) -> KeptParse:
    parser = order.parser
    filled = await service.work.together(batch_key(order), filled_orders, order)

    def described() -> KeptParse:
        answer = parse_answer(
            filled.parse,
            filled.groups,
            photograph=id,
            parser=order.parser_name,
            seconds=filled.seconds,
            terms="" if parser.card is None else parser.card.terms,
            can=can_of(parser, has_index=service.finder is not None),
        )
        return KeptParse(filled.parse, filled.groups, json_bytes(answer))

    return await service.pixels.run(described)


def _sources(query: ParseQuery, content: bytes) -> dict[str, bool]:
    return {
        "a picture": bool(content),
        "folder": query.folder is not None,
        "photograph": query.photograph is not None,
    }


def _opened(service: Service, number: int | None, content: bytes) -> tuple[str, np.ndarray]:
    if number is None:
        return decoded_upload(content, max_pixels=service.limits.pixels)
    if service.folder is None:
        raise no_folder()
    try:
        return service.folder.image(number)
    except TooManyPixels as error:
        raise Problem(413, str(error)) from error


def decoded_upload(content: bytes, *, max_pixels: int) -> tuple[str, np.ndarray]:
    """A name made of its bytes (whatever the client calls it stays with the client), and the picture upright."""
    name = "upload-" + hashlib.sha256(content).hexdigest()[:12]
    try:
        return name, decode_image(content, name=name, max_pixels=max_pixels)
    except TooManyPixels as error:
        raise Problem(413, str(error)) from error
    except BadInput as error:
        # What says of itself that it is one of our formats, and is not sound, is the sender's mistake.
        is_ours = format_of_content(content[:START_BYTES]) is not None
        raise Problem(400 if is_ours else 415, str(error)) from error


def upright_jpeg(image_HWC: np.ndarray, *, max_side: int = PICTURE_SIDE) -> bytes:
    """Made of the pixels alone: nothing that the file said of its maker or place comes along."""
    picture = Image.fromarray(image_HWC)
    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture_bytes(picture, "JPEG", quality=QUALITY)
