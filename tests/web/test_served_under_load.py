"""A hundred clients at once, of which many leave, trickle or send nonsense; and a server that is stopped meanwhile."""

import asyncio
import time
from collections import Counter
from statistics import median

import numpy as np
import pytest
from asked_service import Asked, application_of, png, slow_parser
from running_server import Client, answered, request_of, running
from tiny_parser import random_image

from mereo.web import patient_protocol
from mereo.web.service_limits import ServiceLimits

LIMITS = ServiceLimits(waiting=12, body_seconds=3.0, request_seconds=60.0, body_bytes=100_000)
RANDOM = np.random.default_rng(0)
NONSENSE = [
    RANDOM.bytes(500),
    b"GET / HTTP/9.9\r\n\r\n",
    request_of(RANDOM.bytes(3000)),
    request_of(b"{" * 3000, path="/v1/clicks", Content_Type="application/json"),
    request_of(b"", path="/v1/parse").replace(b"Content-Length: 0", b"Content-Length: 900000"),
]
KINDS = {"patient": 60, "leaving": 30, "slow": 5, "garbage": 5}


async def health(port: int, seconds: list[float], done: asyncio.Event) -> None:
    while not done.is_set():
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_of(b"", path="/healthz", method="GET"))
        assert await answered(reader) == 200
        writer.close()
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)


async def a_hundred(port: int) -> tuple[Counter[tuple[str, int | None]], list[float]]:
    client, done = Client(port, png(random_image(64, 96))), asyncio.Event()
    seconds: list[float] = []
    probe = asyncio.ensure_future(health(port, seconds, done))
    asked = [("patient", client.patient()) for _ in range(KINDS["patient"])]
    asked += [("leaving", client.leaving(share=(0.1, 0.6, 1.0)[n % 3])) for n in range(KINDS["leaving"])]
    asked += [("slow", client.slow()) for _ in range(KINDS["slow"])]
    asked += [("garbage", client.garbage(content)) for content in NONSENSE]
    order = np.random.default_rng(1).permutation(len(asked))
    statuses = await asyncio.gather(*(asked[place][1] for place in order))
    done.set()
    await probe
    return Counter(zip((asked[place][0] for place in order), statuses)), seconds


def test_a_hundred_clients_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_protocol, "HEAD_SECONDS", 1.0)
    assert sum(KINDS.values()) == 100
    with application_of({"tiny": slow_parser(0.2)}, limits=LIMITS) as application, running(application) as served:
        told, seconds = asyncio.run(asyncio.wait_for(a_hundred(served.port), 120))
        assert {status for kind, status in told if kind == "patient"} == {200, 429}, told
        # Those that leave have places in the queue, too, until they are gone: how many, a busy machine decides.
        assert told["patient", 200] >= 1 and told["patient", 429] >= 1
        assert told["slow", 408] == KINDS["slow"]
        # What is no HTTP may be hung up on, and what looks like a picture may find the queue full.
        assert all(status is None or 400 <= status < 500 for kind, status in told if kind == "garbage"), told
        # A second is allowed. What a client waits holds the turns of a hundred others in this very process, too: where
        # other work goes on the slowest may wait longer. So of them the median, and all by the server's own clock.
        assert median(seconds) < 1.0, "who asks for health waits for no photograph"
        service = application.state.service
        assert len(service.work) == 0 and service.bodies.held_bytes == 0
        text = service.counts.text({})
        assert 'status="5' not in text
        in_a_second, all_of_them = (
            next(line for line in text.splitlines() if line.startswith(f"mereo_request_seconds_{what}")).split()[-1]
            for what in ('bucket{route="/healthz",le="1"}', 'count{route="/healthz"}')
        )
        assert in_a_second == all_of_them != "0", "by the server's own clock"
        one = next(line for line in text.splitlines() if line.startswith('mereo_batch_size_bucket{le="1"}'))
        together = next(line for line in text.splitlines() if line.startswith("mereo_batch_size_count"))
        assert int(one.split()[-1]) < int(together.split()[-1]), "some went through the network together"
        assert asyncio.run(Client(served.port, png()).patient()) == 200


def test_who_leaves_is_counted() -> None:
    with application_of({"tiny": slow_parser(0.5)}, limits=LIMITS) as application, running(application) as served:

        async def leave_until_it_is_counted() -> None:
            while 'route="/v1/parse",status="499"' not in application.state.service.counts.text({}):
                await Client(served.port, png()).leaving(share=1.0, after=0.2)
                await asyncio.sleep(0.5)

        asyncio.run(asyncio.wait_for(leave_until_it_is_counted(), 30))


def test_a_server_that_is_stopped_under_load_tells_everybody_and_ends() -> None:
    limits = ServiceLimits(waiting=20, body_seconds=60.0)

    async def ask(port: int) -> tuple[list[int | None], float]:
        client = Client(port, png())
        asked = [asyncio.ensure_future(client.patient()) for _ in range(12)]
        asked.append(asyncio.ensure_future(client.slow()))
        await asyncio.sleep(0.6)
        ending = asyncio.ensure_future(asyncio.to_thread(served.stop))
        return await asyncio.gather(*asked), await ending

    with (
        application_of({"tiny": slow_parser(0.5)}, limits=limits, has_page=True) as application,
        running(application) as served,
    ):
        statuses, seconds = asyncio.run(asyncio.wait_for(ask(served.port), 30))
        assert statuses.count(503) >= 6 and set(statuses) <= {200, 503}, statuses
        assert statuses[-1] == 503, "who still sends is told, too"
        assert seconds < 5


def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_protocol, "HEAD_SECONDS", 0.3)

    async def ask(port: int) -> list[tuple[bytes, float]]:
        async def opened(pieces: list[bytes]) -> tuple[bytes, float]:
            start = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = b""
            try:
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.1)
                said = await asyncio.wait_for(reader.read(), 10)
            except ConnectionError:
                pass
            writer.close()
            return said[:12], time.perf_counter() - start

        whole = request_of(b"", path="/healthz", method="GET", Connection="close")
        trickle = [bytes([byte]) for byte in whole[:8]]
        return await asyncio.gather(opened([]), opened(trickle), opened([whole]), opened([whole[:20], whole[20:]]))

    with application_of() as application, running(application) as served:
        silent, trickling, asking, halting = asyncio.run(ask(served.port))
        assert silent[0] == b"" and silent[1] < 2 and trickling[0] == b"" and trickling[1] < 2
        assert asking[0] == halting[0] == b"HTTP/1.1 200"


def test_a_body_of_someone_with_a_wrong_length_does_not_hold_up_the_others() -> None:
    limits = ServiceLimits(body_seconds=0.5)

    async def ask(port: int) -> list[int | None]:
        short = request_of(png()).replace(b"Content-Length: ", b"Content-Length: 9")
        return await asyncio.gather(Client(port, png()).garbage(short), Client(port, png()).patient())

    with application_of(limits=limits) as application, running(application) as served:
        assert asyncio.run(ask(served.port)) == [408, 200]


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    limits = ServiceLimits(request_seconds=0.3)
    with application_of({"tiny": slow_parser(1.5)}, limits=limits) as application:
        ask = Asked(application)
        start = time.perf_counter()
        answer = ask.post("/v1/parse", png())
        assert answer.status_code == 503 and time.perf_counter() - start < 1.2
        assert "an answer must be found within 0.3 s, but got none" in answer.json()["error"]
        assert answer.headers["retry-after"] == "5"
        assert ask.get("/healthz").json()["waiting"] == 0


def test_a_bug_of_ours_is_one_sentence(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with application_of() as application:
        ask = Asked(application)

        def broken(*arguments: object) -> None:
            raise ZeroDivisionError("a secret path")

        monkeypatch.setattr(ask.service.kept, "get", broken)
        answer = ask.get("/v1/photographs/x/picture")
        assert answer.status_code == 500 and "a bug of its own" in answer.json()["error"]
        assert "secret" not in answer.text and "ZeroDivisionError" in caplog.text
        assert answer.headers["content-security-policy"]
