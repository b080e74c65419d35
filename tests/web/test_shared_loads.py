"""Parsers that take their time to load: who asks for one waits for that one alone, and for one load of it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from asked_service import ADDRESS, Asked, application_of, error_of, png
from fastapi import FastAPI
from running_server import Running, answered, request_of, running
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import tiny_parser

from mereo.errors import BadEnvironment
from mereo.parser.scene_parser import SceneParser
from mereo.web import state_routes
from mereo.web.answer_shapes import ParsersAnswer
from mereo.web.problems import Problem
from mereo.web.service_limits import ServiceLimits
from mereo.web.shared_loads import SharedLoads


class SlowLoad:
    """Loads when it may, and counts."""

    def __init__(self) -> None:
        self.may_end, self.loads = threading.Event(), 0

    def __call__(self) -> SceneParser:
        self.loads += 1
        assert self.may_end.wait(60)
        return tiny_grouping_parser()


@contextmanager
def half_loaded(**others: Any) -> Iterator[tuple[FastAPI, SlowLoad]]:
    slow = SlowLoad()
    with application_of({"tiny": tiny_parser(), "slow": slow}, **others) as application:
        yield application, slow
        slow.may_end.set()


def client_of(application: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ADDRESS)


def test_two_that_wait_for_a_parser_keep_nobody_from_the_others() -> None:
    async def ask(application: FastAPI, slow: SlowLoad) -> None:
        async with client_of(application) as client:
            kept = (await client.post("/v1/parse", content=png())).json()["photograph"]
            why = {"photograph": kept, "parser": "slow", "question": "object=road"}
            parse = ("/v1/parse", {"content": png(), "params": {"parser": "slow"}})
            asked = [parse, parse, ("/v1/why", {"json": why}), ("/v1/why", {"json": why})]
            waiting = [asyncio.ensure_future(client.post(path, **options)) for path, options in asked]
            await asyncio.sleep(0.3)
            start = time.perf_counter()
            assert (await client.post("/v1/parse", content=png())).status_code == 200
            assert time.perf_counter() - start < 5 and not any(one.done() for one in waiting)
            slow.may_end.set()
            assert [one.status_code for one in await asyncio.gather(*waiting)] == [200] * 4

    with half_loaded(limits=ServiceLimits(request_seconds=20.0)) as (application, slow):
        asyncio.run(ask(application, slow))
        assert slow.loads == 1, "one load for all of them"


def test_a_server_that_is_stopped_while_a_parser_is_loaded_tells_who_waits_and_ends() -> None:
    async def ask(served: Running) -> tuple[int | None, float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request_of(png(), path="/v1/parse?parser=slow"))
        asked = asyncio.ensure_future(answered(reader))
        await asyncio.sleep(0.3)
        seconds = await asyncio.to_thread(served.stop)
        writer.close()
        return await asked, seconds

    with half_loaded() as (application, _), running(application) as served:
        status, seconds = asyncio.run(ask(served))
        assert status == 503 and seconds < 3
        assert application.state.service.loads.is_running, "it ends on its own; nobody waits for it"


def test_the_list_names_what_cannot_be_loaded_and_what_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> SceneParser:
        raise BadEnvironment("the hub must answer, but got nothing; try again later.")

    monkeypatch.setattr(state_routes, "LOADING_SECONDS", 0.3)
    slow = SlowLoad()
    with application_of({"tiny": tiny_parser(), "broken": broken, "slow": slow}) as application:
        ask = Asked(application)
        told = ParsersAnswer.model_validate_json(ask.get("/v1/parsers").content, strict=True)
        tiny, not_there, on_its_way = told.parsers
        assert (tiny.error, tiny.tasks, tiny.can.click) == (None, ["objects"], True)
        assert not_there.error == "the hub must answer, but got nothing; try again later."
        assert on_its_way.error is not None and "one that is still on its way" in on_its_way.error
        for one in (not_there, on_its_way):
            assert one.tasks == [] and not any(one.can.model_dump().values())
        assert "the hub must answer" in error_of(ask.post("/v1/parse", png(), params={"parser": "broken"}), 503)
        slow.may_end.set()
        assert ask.parsed(parser="slow")["parser"] == "slow" and slow.loads == 1
        assert [one["error"] is None for one in ask.get("/v1/parsers").json()["parsers"]] == [True, False, True]


def test_a_bug_in_a_loader_is_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    def buggy() -> SceneParser:
        raise ZeroDivisionError("a secret path")

    with application_of({"tiny": tiny_parser(), "buggy": buggy}) as application:
        told = Asked(application).get("/v1/parsers")
        assert "a bug of its own" in told.json()["parsers"][1]["error"]
        assert "secret" not in told.text and "ZeroDivisionError" in caplog.text


def test_who_waits_is_told_when_the_service_stops_and_too_many_are_sent_away() -> None:
    may_end = threading.Event()

    async def wait() -> None:
        loads = SharedLoads(waiting=2)
        waiting = [asyncio.ensure_future(loads.run("one", may_end.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert loads.is_running
        with pytest.raises(Problem, match="must be at most 2 at a time") as raised:
            await loads.run("one", may_end.wait)
        assert raised.value.status == 429
        assert await loads.run("other", lambda: 7) == 7
        loads.close()
        for one in [*waiting, loads.run("third", may_end.wait)]:
            with pytest.raises(Problem, match="while it stops"):
                await one

    asyncio.run(wait())
    may_end.set()


def test_one_that_goes_away_does_not_end_the_load_of_the_others_and_failures_are_tried_again() -> None:
    may_end, loads_begun = threading.Event(), []

    def load() -> int:
        loads_begun.append(1)
        assert may_end.wait(60)
        if len(loads_begun) == 1:
            raise BadEnvironment("the hub must answer, but got nothing; try again later.")
        return 5

    async def wait() -> None:
        loads = SharedLoads(waiting=9)
        leaving, staying = (asyncio.ensure_future(loads.run("one", load)) for _ in range(2))
        await asyncio.sleep(0.05)
        leaving.cancel()
        await asyncio.sleep(0.05)
        may_end.set()
        with pytest.raises(BadEnvironment, match="the hub must answer"):
            await staying
        assert leaving.cancelled() and len(loads_begun) == 1
        assert await loads.run("one", load) == 5
        assert not loads.is_running

    asyncio.run(wait())
