"""Problem: a refusal with its status. Whatever goes wrong, a client gets one sentence as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mereo.errors import BadEnvironment, BadInput, is_out_of_memory
from mereo.web.folder_photographs import NoSuchPhotograph

MOST_LETTERS = 600


class Problem(Exception):
    """`headers` go with the answer, e.g. Retry-After."""

    def __init__(self, status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, dict(headers or {})

    @property
    def answer(self) -> Response:
        return json_answer({"error": self.sentence[:MOST_LETTERS]}, status=self.status, headers=self.headers)


class ClientGone(Exception):
    """Nobody waits for the answer any more, so none is sent."""


def json_answer(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(content), status, headers, media_type="application/json")


def json_bytes(content: Any) -> bytes:
    """In ASCII: names of files may hold bytes that are no text, and such letters have no UTF-8."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def too_many(what: str, most: int, *, seconds: int) -> Problem:
    return Problem(
        429,
        f"{what} must be at most {most} at a time, but got one more; ask again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def stopping() -> Problem:
    return Problem(503, "the service must be running to answer, but got a request while it stops; start it again.")


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, BadInput):
        return Problem(404 if isinstance(error, NoSuchPhotograph) else 400, str(error))
    if isinstance(error, BadEnvironment):
        return Problem(503, str(error))
    if is_out_of_memory(error):
        return Problem(503, "memory must suffice for the photograph, but it ran out; send a smaller one.")
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return Problem(503, f"the machine must be able to read and write files, but got: {reason}; look at it.")
    return Problem(500, "the service must answer, but got a bug of its own; its log has more, please report it.")


def wished(message: str) -> str:
    """What a value must do, from what pydantic says of one that does not.

    >>> wished("Input should be a valid dictionary or object to extract fields from")
    'be an object'
    >>> wished("Input should be greater than or equal to 1"), wished("Extra inputs are not permitted")
    ('be greater than or equal to 1', 'fit (extra inputs are not permitted)')
    """
    if message.startswith("Input should be "):
        what = message.removeprefix("Input should be ")
        return f"be {'an object' if what.startswith('a valid dictionary') else what}"
    return f"fit ({message[:1].lower()}{message[1:]})"


def tell_problems(application: FastAPI) -> None:
    """What routes raise, and what FastAPI itself refuses, in the grammar of our errors."""

    async def ours(request: Request, error: Exception) -> Response:
        return problem_of(error).answer

    async def unlike_the_model(request: Request, error: Exception) -> Response:
        problems = error.errors() if isinstance(error, RequestValidationError) else []
        first = problems[0] if problems else {}
        if first.get("type") == "json_invalid":
            return Problem(400, "a body must be sound JSON, but got something else; send it anew.").answer
        place = ".".join(str(step) for step in first.get("loc", ())) or "the request"
        got = repr(first.get("input"))
        got = got if len(got) <= 80 else f"{got[:77]}..."
        wish = wished(str(first.get("msg", "")))
        return Problem(422, f"{place} must {wish}, but got {got}; /openapi.json has the shapes.").answer

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = getattr(error, "headers", None)
        what = f"{request.method} {request.url.path}"[:200]
        sentences = {
            404: f"a request must be one of those in /openapi.json, but got {what}; look there.",
            405: f"a request must use a method that its address knows, but got {what}; /openapi.json has them.",
        }
        sentence = sentences.get(status, "a body must be sound JSON, but got something else; send it anew.")
        return Problem(status, sentence, headers=headers).answer

    for kind in (Problem, BadInput, BadEnvironment, MemoryError, OSError):
        application.add_exception_handler(kind, ours)
    application.add_exception_handler(RequestValidationError, unlike_the_model)
    application.add_exception_handler(HTTPException, of_http)
