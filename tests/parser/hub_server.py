"""A hub on this machine: what Hugging Face's own client asks of one to push and to load, kept in memory."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from huggingface_hub import HfApi

TOKEN = "hf_of_a_test"


@dataclass
class Repository:
    """`commits` hold the whole content each, oldest first."""

    is_private: bool
    is_gated: bool = False
    commits: list[tuple[str, str, dict[str, bytes]]] = field(default_factory=list)

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        for number, (identifier, _, files) in enumerate(self.commits):
            if revision in (identifier, "main") and (revision != "main" or number == len(self.commits) - 1):
                return identifier, files
        return None


@dataclass
class LocalHub:
    """`owner` is whose token is valid; `asked` are the requests so far."""

    owner: str
    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    server: Any = None

    def api(self, *, token: str | bool = TOKEN) -> HfApi:
        return HfApi(endpoint=self.endpoint, token=token, library_name="mereo")

    def files(self, name: str) -> dict[str, bytes]:
        return self.repositories[name].commits[-1][2]

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@contextmanager
def local_hub(owner: str = "someone") -> Iterator[LocalHub]:
    hub = LocalHub(owner)
    hub.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (HubHandler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{hub.server.server_address[1]}"
    threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.stop()


class HubHandler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.hub.asked.append(f"POST {self.path}")
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = self.read_chunks()
        if self.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if not self.is_allowed:
            return self.answer(401, {"error": "Invalid credentials"})
        if self.path == "/api/repos/create":
            asked = json.loads(content)
            name = f"{asked.get('organization') or self.hub.owner}/{asked['name']}"
            if not name.startswith(f"{self.hub.owner}/"):
                return self.answer(403, {"error": "You don't have the rights"})
            is_new = name not in self.hub.repositories
            # Older clients say private: true.
            is_private = asked.get("visibility") == "private" or bool(asked.get("private"))
            self.hub.repositories.setdefault(name, Repository(is_private))
            return self.answer(200 if is_new else 409, {"url": f"{self.hub.endpoint}/{name}", "name": name})
        if match := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(content)["files"]
            ]
            return self.answer(200, {"files": files})
        if match := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            return self.commit(match[1], [json.loads(line) for line in content.splitlines() if line.strip()])
        return self.answer(404, {"error": "not here"})

    def commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        repository = self.hub.repositories[name]
        files = dict(repository.commits[-1][2]) if repository.commits else {}
        message = next(line["value"]["summary"] for line in lines if line["key"] == "header")
        for value in (line["value"] for line in lines if line["key"] == "file"):
            files[value["path"]] = base64.b64decode(value["content"])
        identifier = hashlib.sha1(f"{name} {len(repository.commits)}".encode()).hexdigest()
        repository.commits.append((identifier, message, files))
        url = f"{self.hub.endpoint}/{name}/commit/{identifier}"
        self.answer(200, {"success": True, "commitOid": identifier, "commitUrl": url, "hookOutput": ""})

    def do_HEAD(self) -> None:
        self.resolve()

    def do_GET(self) -> None:
        self.resolve()

    def resolve(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", unquote(self.path.partition("?")[0]))
        repository = self.hub.repositories.get(match[1]) if match else None
        if match is None or repository is None or (repository.is_private and not self.is_allowed):
            return self.answer(404, {"error": "Repository not found"}, error="RepoNotFound")
        if repository.is_gated:
            return self.answer(403, {"error": "Access is restricted"}, error="GatedRepo")
        found = repository.at(match[2])
        if found is None:
            return self.answer(404, {"error": "Invalid rev"}, error="RevisionNotFound")
        if match[3] not in found[1]:
            return self.answer(404, {"error": "Entry not found"}, error="EntryNotFound")
        content = found[1][match[3]]
        headers = {"X-Repo-Commit": found[0], "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        self.send_content(200, content, headers)

    @property
    def is_allowed(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def answer(self, status: int, content: dict[str, Any], *, error: str | None = None) -> None:
        headers = {"Content-Type": "application/json"} | ({"X-Error-Code": error} if error else {})
        self.send_content(status, json.dumps(content).encode(), headers)

    def send_content(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        # A kept connection would outlive the server, and an unreachable hub would still answer.
        for name, value in {**headers, "Content-Length": str(len(content)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def read_chunks(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline().strip(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *arguments: Any) -> None:
        """Tests say themselves what went wrong."""
