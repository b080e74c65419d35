"""Which refusals a route may answer with, for /openapi.json."""

from typing import Any

from mereo.web.answer_shapes import ErrorAnswer

MEANINGS = {
    400: "what was sent is not as it must be",
    401: "no token",
    403: "a foreign page, or a name that the service does not go by",
    404: "no such thing, or not any more",
    408: "the body came too slowly",
    413: "too large",
    415: "neither picture nor JSON",
    422: "JSON or parameters of another shape",
    429: "too many at once; Retry-After says when",
    503: "stopping, or too slow",
}
EVERYWHERE = (401, 403, 503)
WITH_BODY = (400, 408, 413, 415, 422, 429)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": ErrorAnswer, "description": MEANINGS[status]} for status in sorted({*statuses, *EVERYWHERE})
    }


def answers_as(kind: str, meaning: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Also what is no JSON: of the media type `kind`."""
    return {200: {"content": {kind: {}}, "description": meaning}, **errors(*statuses)}
