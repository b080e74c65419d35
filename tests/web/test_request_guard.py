"""Who may ask: names, pages, tokens; and what every answer says to a browser."""

from collections.abc import Iterator

import pytest
from asked_service import Asked, application_of, error_of, png

from mereo.web.request_guard import ANY_ADDRESS, LOOPBACK_HOSTS
from mereo.web.safe_headers import SAFE_HEADERS

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    with application_of(has_page=True) as application:
        yield Asked(application)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Asked]:
    hosts = {*LOOPBACK_HOSTS, "studio.example", ANY_ADDRESS}
    with application_of(has_page=True, token=TOKEN, allowed_hosts=hosts) as application:
        yield Asked(application)


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "LOCALHOST:1", "127.0.0.1:8321", "[::1]:8321"])
def test_names_of_this_machine(ask: Asked, host: str) -> None:
    assert ask.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8321", "127.0.0.1.evil.example", "192.168.1.5", "", "127.0.0.1@x"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/parsers", "/metrics", "/openapi.json"])
def test_another_name_that_points_here_is_refused(ask: Asked, host: str, path: str) -> None:
    assert "Host must be a name that this service goes by" in error_of(ask.get(path, headers={"Host": host}), 403)


def test_names_and_addresses_that_were_allowed(guarded: Asked) -> None:
    for host in ("studio.example", "192.168.1.5:8321", "[fe80::1]:8321"):
        assert guarded.get("/healthz", headers={"Host": host}).status_code == 200
    error_of(guarded.get("/healthz", headers={"Host": "evil.example"}), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
    ],
)
def test_posts_of_foreign_pages_are_refused(ask: Asked, headers: dict[str, str]) -> None:
    for path in ("/v1/parse", "/v1/clicks", "/v1/labels"):
        assert "must " in error_of(ask.post(path, png(), headers=headers), 403)
    assert len(ask.service.kept) == 0


def test_foreign_pages_may_not_read_either_but_link_to_the_page(ask: Asked) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    error_of(ask.get("/v1/folder", headers=foreign), 403)
    assert ask.get("/", headers=foreign).status_code == 200
    preflight = ask("OPTIONS", "/v1/parse", headers={"Origin": "http://evil.example"})
    assert preflight.status_code == 403 and "access-control-allow-origin" not in preflight.headers


def test_the_own_page_and_programs_may_post(ask: Asked) -> None:
    own = {"Origin": "http://localhost:8321", "Sec-Fetch-Site": "same-origin"}
    for headers in (own, {}, {"Sec-Fetch-Site": "none"}):
        assert ask.post("/v1/parse", png(), headers=headers).status_code == 200


@pytest.mark.parametrize("foreign", ["a/b=1", 'settings={"dark": true}', "ü=1", "alone", "x=y=z"])
def test_cookies_of_others_on_this_machine_lock_nobody_out(guarded: Asked, foreign: str) -> None:
    own = guarded.get("/", params={"token": TOKEN}).headers["set-cookie"].partition(";")[0]
    for cookies in (f"{foreign}; {own}", f"{own}; {foreign}"):
        answer = guarded.get("/v1/parsers", headers={"Cookie": cookies.encode("latin-1")})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/", "/page/studio.js", "/v1/parsers", "/metrics", "/openapi.json", "/nowhere"])
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Cookie": "mereo_0=x; a"}]
)
def test_nothing_is_told_without_the_token(guarded: Asked, path: str, headers: dict[str, str]) -> None:
    answer = guarded.get(path, headers=headers)
    assert "a request must bring the token" in error_of(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_whoever_asks_whether_it_is_well_needs_no_token(guarded: Asked) -> None:
    assert guarded.get("/healthz").json() == {"status": "ok", "waiting": 0, "kept": 0}


def test_the_token_as_a_header(guarded: Asked) -> None:
    for scheme in ("Bearer", "bearer"):
        assert guarded.get("/v1/parsers", headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200
    assert guarded.post("/v1/parse", png(), headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_address_with_the_token_becomes_a_cookie(guarded: Asked) -> None:
    error_of(guarded.get("/", params={"token": "wrong"}), 401)
    answer = guarded.get("/", params={"token": TOKEN})
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    mine = {"Cookie": cookie.partition(";")[0]}
    assert guarded.get("/", headers=mine).status_code == 200
    assert guarded.get("/v1/parsers", headers=mine).status_code == 200
    name = cookie.partition("=")[0]
    error_of(guarded.get("/v1/parsers", headers={"Cookie": f"{name}=wrong"}), 401)
    # A token in any other address is no token: addresses are written down by many.
    error_of(guarded.get("/v1/parsers", params={"token": TOKEN}), 401)


def test_the_address_may_be_opened_from_a_chat(guarded: Asked) -> None:
    """What it leads on to counts as a step from the other site, too; a browser sends a lax cookie there."""
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    welcome = guarded.get("/", params={"token": TOKEN}, headers=from_elsewhere)
    cookie = welcome.headers["set-cookie"].partition(";")[0]
    assert welcome.status_code == 303
    assert guarded.get("/", headers={**from_elsewhere, "Cookie": cookie}).status_code == 200


def test_a_foreign_page_with_the_cookie_is_still_foreign(guarded: Asked) -> None:
    kept = len(guarded.service.kept)
    cookie = guarded.get("/", params={"token": TOKEN}).headers["set-cookie"].partition(";")[0]
    for mine in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": cookie}):
        assert guarded.get("/v1/folder", headers=mine).status_code == 200
        for path in ("/v1/parse", "/v1/clicks", "/v1/labels", "/v1/find", "/v1/why", "/v1/tokens"):
            for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
                error_of(guarded.post(path, png(), headers={**mine, **foreign}), 403)
        for path in ("/v1/folder", "/v1/parsers", "/v1/folder/0/thumbnail", "/v1/photographs/an-id/picture"):
            error_of(guarded.get(path, headers={**mine, "Sec-Fetch-Site": "cross-site"}), 403)
    assert len(guarded.service.kept) == kept


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/page/studio.css", 200),
        ("GET", "/page/none.js", 404),
        ("GET", "/v1/parsers", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/parse", 405),
        ("POST", "/v1/parse", 400),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
    ],
)
def test_every_answer_is_strict(ask: Asked, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("content-security-policy") == [SAFE_HEADERS["Content-Security-Policy"]]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers.get_list("cross-origin-opener-policy") == ["same-origin"]
    assert answer.headers.get_list("cross-origin-resource-policy") == ["same-origin"]
    assert "cache-control" in answer.headers and "server" not in answer.headers
    foreign = ask(method, path, headers={"Host": "evil.example"})
    assert foreign.status_code == 403 and foreign.headers["content-security-policy"]


def test_the_policy_allows_nothing_from_elsewhere() -> None:
    policy = dict(one.split(" ", 1) for one in SAFE_HEADERS["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == "'self' blob: data:"
    assert set(policy.values()) == {"'none'", "'self'"} and "unsafe" not in str(policy)
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"


BEHIND_A_PROXY = {"Origin": "https://studio.example", "Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("host", ["localhost:8321", "127.0.0.1:8321", "192.168.1.5:8321", "studio.example:8321"])
@pytest.mark.parametrize("origin", ["https://studio.example", "https://STUDIO.example", "https://studio.example:8443"])
def test_a_proxy_may_write_a_host_of_its_own(guarded: Asked, host: str, origin: str) -> None:
    mine = {**BEHIND_A_PROXY, "Host": host, "Origin": origin}
    assert guarded.post("/v1/parse", png(), headers={**mine, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    # Old browsers do not say whose page it is: then a page of another port of that name could be anybody's.
    without = guarded.post("/v1/parse", png(), headers=mine)
    assert without.status_code == (403 if host.startswith("studio") else 200)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://studio.example.evil.example"},
        {"Origin": "https://studio.example@evil.example"},
        {"Origin": "ftp://studio.example"},
        {"Origin": "null"},
        {"Origin": "https://[studio.example"},
        {"Origin": "https://192.168.1.9"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "*"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "https://evil.example"},
        {"Host": "studio.example", "Origin": "http://studio.example:3000"},
    ],
)
def test_behind_a_proxy_foreign_pages_and_names_are_refused_all_the_same(
    guarded: Asked, headers: dict[str, str]
) -> None:
    kept = len(guarded.service.kept)
    mine = {**BEHIND_A_PROXY, "Host": "127.0.0.1:8321"}
    assert "must " in error_of(guarded.post("/v1/parse", png(), headers={**mine, **headers}), 403)
    assert len(guarded.service.kept) == kept


def test_a_name_that_was_not_allowed_is_nobodys_proxy(ask: Asked) -> None:
    error_of(ask.post("/v1/parse", png(), headers={"Origin": "https://studio.example"}), 403)
