"""RequestGuard: who may ask. Host names that we go by, pages of our own, and whoever has the token.

A page of another site that a browser has open can make it send requests here; a name of that site can be made to point
here (DNS rebinding). The first shows in Origin and Sec-Fetch-Site, the second in Host. A proxy may write a Host of its
own; then Origin must be a name that was allowed. With a token everything but /healthz asks for it: as
`Authorization: Bearer`, or as the cookie that the address with `?token=` sets.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mereo.web.problems import Problem

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS = ("/healthz",)
# An address by number is nobody's name: it cannot be made to point elsewhere.
ANY_ADDRESS = "*"


class RequestGuard:
    """`allowed_hosts` without ports; "*" among them stands for every address that is written as a number."""

    def __init__(self, application: ASGIApp, *, allowed_hosts: Collection[str], token: str | None) -> None:
        self.application = application
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        # A proxy may stand before these. What is no name says no more than which machine it is.
        self.own_names = frozenset(
            host for host in self.allowed_hosts - LOOPBACK_HOSTS if host != ANY_ADDRESS and not _is_address(host)
        )
        self.token = None if token is None else token.encode()
        self.cookie = "mereo_" + hashlib.sha256(self.token or b"").hexdigest()[:8]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        try:
            self.require_known_host(headers.get("host", ""))
            require_own_page(scope["method"], scope["path"], headers, own_names=self.own_names)
            welcome = self._welcome(scope, headers)
        except Problem as problem:
            await problem.answer(scope, receive, send)
            return
        await (welcome or self.application)(scope, receive, send)

    def require_known_host(self, host: str) -> None:
        name = host_name(host)
        if name in self.allowed_hosts or (ANY_ADDRESS in self.allowed_hosts and _is_address(name)):
            return
        raise Problem(
            403,
            f"Host must be a name that this service goes by, but got {host!r:.80}; "
            "use the address that was printed at its start, or allow the name with --allowed-host.",
        )

    def _welcome(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """For the address with the right token: the cookie, and the page without the token in its address."""
        if self.token is None or scope["path"] in OPEN_PATHS:
            return None
        if scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and self._is_token(given):
                # Not Strict: an address that is opened from a chat comes from another site, and so does the page that
                # it leads on to; a strict cookie would stay behind. What other sites may do, require_own_page says.
                cookie = f"{self.cookie}={given}; HttpOnly; SameSite=Lax; Path=/"
                return Response(status_code=303, headers={"Location": "/", "Set-Cookie": cookie})
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(bearer.strip()):
            return None
        # Cookies of other services of this machine come along, in whatever form.
        if self._is_token(cookie_parser(headers.get("cookie", "")).get(self.cookie, "")):
            return None
        raise Problem(
            401,
            "a request must bring the token, but got none or another; send it as `Authorization: Bearer TOKEN`, or "
            "open the address that was printed at the start.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode("utf-8", "replace"), self.token)


def require_own_page(
    method: str, path: str, headers: dict[str, str], *, own_names: Collection[str] = frozenset()
) -> None:
    """Whatever is no browser sends neither header. `own_names`: those whose proxy may have written another Host."""
    is_reading = method in ("GET", "HEAD")
    if is_reading and not path.startswith("/v1/"):
        return
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        raise Problem(
            403, f"a request must come from the service's own page, but got one from a {site:.40} page; use its own."
        )
    origin = headers.get("origin")
    if is_reading or origin is None:
        return
    if not _is_own(origin, headers.get("host", ""), own_names, is_same_origin=site == "same-origin"):
        raise Problem(
            403,
            f"Origin must be the service's own, but got {origin!r:.80}; ask from its own page, or allow the name of a "
            "proxy before it with --allowed-host.",
        )


def _is_own(origin: str, host: str, own_names: Collection[str], *, is_same_origin: bool) -> bool:
    try:
        parts = urlsplit(origin)
        name = parts.hostname
    except ValueError:
        return False
    if parts.netloc.lower() == host.lower() != "":
        return True
    if name not in own_names or parts.scheme not in ("http", "https"):
        return False
    # Where Host has that very name maybe nobody wrote another: a page of another port is another's. A browser that
    # says whose page it is knows better.
    return name != host_name(host) or is_same_origin


def host_name(host: str) -> str:
    """
    >>> host_name("Localhost:8321"), host_name("[::1]:8321"), host_name("::1")
    ('localhost', '::1', '::1')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
