"""The studio's page: a folder of files, read once and served from memory, each with a tag of its content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response

from mereo.errors import BadEnvironment
from mereo.web.problems import Problem

FOLDER = Path(__file__).with_name("page")
INDEX = "index.html"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class PageFile:
    content: bytes
    kind: str
    tag: str


def read_page(folder: Path = FOLDER) -> dict[str, PageFile]:
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in CONTENT_TYPES and path.is_file():
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            files[path.name] = PageFile(content, CONTENT_TYPES[path.suffix], tag)
    if INDEX not in files:
        raise BadEnvironment(
            f"the studio's page must be installed, but got no {INDEX} in {folder}; install mereo anew."
        )
    return files


def serve_page(application: FastAPI, *, folder: Path = FOLDER) -> None:
    """At / and /page/NAME. Browsers keep the files, and ask each time whether they are still the same."""
    files = read_page(folder)

    async def index(request: Request) -> Response:
        return _answered(request, files[INDEX])

    async def part(request: Request, name: str) -> Response:
        if name not in files:
            raise Problem(404, f"a part of the page must be one that it has, but got {name!r:.80}; open / instead.")
        return _answered(request, files[name])

    application.add_api_route("/", index, methods=["GET", "HEAD"], include_in_schema=False)
    application.add_api_route("/page/{name}", part, methods=["GET", "HEAD"], include_in_schema=False)


def _answered(request: Request, file: PageFile) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if file.tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers={**headers, "Content-Type": file.kind})
