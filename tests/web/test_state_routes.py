"""What a service says of itself: parsers, folder, health, counts; and its page from memory."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from asked_service import Asked, application_of, error_of, png
from fastapi import FastAPI
from PIL import Image
from safetensors.numpy import save_file
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.commands.studio import opened_shelf
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.model_card import ModelCard
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.web import page_files
from mereo.web.answer_shapes import FolderAnswer, ParsersAnswer
from mereo.web.application import create_application
from mereo.web.page_files import read_page
from mereo.web.parser_shelf import ParserShelf
from mereo.web.pixel_work import THREADS
from mereo.web.service_counts import Histogram, ServiceCounts


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    grouping = tiny_grouping_parser()
    grouping.card = ModelCard(title="Groups", summary="It groups.", terms="free")
    parsers = {"plain": tiny_parser(), "grouping": grouping, "tasks": tiny_perceptual_parser}
    with application_of(parsers, default="grouping", has_page=True) as application:
        yield Asked(application)


def test_parsers_are_described(ask: Asked) -> None:
    answer = ask.get("/v1/parsers")
    told = ParsersAnswer.model_validate_json(answer.content, strict=True)
    plain, grouping, tasks = told.parsers
    assert told.default == "grouping" and told.index is None and told.labels is False
    assert (grouping.title, grouping.summary, grouping.terms) == ("Groups", "It groups.", "free")
    assert grouping.can.model_dump() == {"click": True, "why": True, "tokens": False, "find": False}
    assert grouping.questions == {"object": ["sky", "road", "car"]} and plain.questions == {}
    assert tasks.tasks == ["objects", "parts", "materials", "texture"] and plain.tasks == ["objects"]


def test_a_parser_is_loaded_when_it_is_asked_for_and_once() -> None:
    loads: list[int] = []

    def load() -> object:
        loads.append(1)
        return tiny_parser()

    shelf = ParserShelf({"lazy": load}, default="lazy")  # type: ignore[dict-item]
    with application_of(shelf) as application:  # type: ignore[arg-type]
        ask = Asked(application)
        assert loads == []
        ask.parsed()
        ask.parsed()
        ask.get("/v1/parsers")
        assert loads == [1]


def test_a_studio_with_a_parser_that_cannot_be_loaded_does_not_begin() -> None:
    """Its page asks at once what all parsers can do: whoever starts it learns the reason instead."""

    def broken() -> SceneParser:
        raise BadInput("a parser file must be sound, but got a broken one; train it again.")

    parsers = {"tiny": tiny_parser(), "broken": broken}
    with pytest.raises(BadInput, match="a parser file must be sound, but got a broken one"):
        create_application(parsers, has_page=True)
    with application_of(parsers) as application:
        assert Asked(application).parsed(parser="tiny")["parser"] == "tiny"


def test_a_parser_file_that_cannot_be_read_is_no_mistake_of_who_asks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, path = tmp_path / "first.safetensors", tmp_path / "mine.safetensors"
    for file in (first, path):
        save_parser(tiny_parser(), file)
    shelf = opened_shelf([str(first), str(path)], "cpu")
    save_file({}, path)
    with application_of(shelf) as application:  # type: ignore[arg-type]
        ask = Asked(application)
        message = error_of(ask.post("/v1/parse", png(), params={"parser": "mine"}), 503)
        assert message.endswith("but got other content in mine.safetensors; check the path.")
        told = ask.get("/v1/parsers")
        assert next(one["error"] for one in told.json()["parsers"] if one["name"] == "mine") == message
        assert str(tmp_path) not in told.text
        assert str(path) in caplog.text, "who runs the service learns where the file lies"


def test_a_parser_that_takes_its_time_to_load_keeps_nobody_from_the_others() -> None:
    is_loading, may_end = threading.Event(), threading.Event()

    def slow() -> SceneParser:
        is_loading.set()
        assert may_end.wait(60)
        return tiny_parser()

    shelf = ParserShelf({"tiny": tiny_parser(), "slow": slow}, default="tiny")
    loading = threading.Thread(target=shelf.get, args=("slow",), daemon=True)
    loading.start()
    assert is_loading.wait(60)
    others = threading.Thread(target=shelf.get, args=("tiny",), daemon=True)
    others.start()
    others.join(60)
    assert not others.is_alive() and loading.is_alive()
    may_end.set()
    loading.join(60)


def test_the_default_must_be_there() -> None:
    with pytest.raises(BadInput, match="the default parser must be one of tiny, but got 'other'"):
        create_application({"tiny": tiny_parser()}, default="other")


def test_photographs_of_the_folder_are_listed_shown_and_parsed(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg"):
        Image.fromarray(random_image(400, 500)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    with application_of(folder=tmp_path) as application:
        ask = Asked(application)
        told = FolderAnswer.model_validate_json(ask.get("/v1/folder").content, strict=True)
        assert told.total == 2 and [one.name for one in told.photographs] == ["a.jpg", "b.png"]
        assert str(tmp_path) not in ask.get("/v1/folder").text
        second = ask.get("/v1/folder", params={"start": 1, "count": 1}).json()
        assert [one["name"] for one in second["photographs"]] == ["b.png"]
        number = second["photographs"][0]["number"]
        small = ask.get(f"/v1/folder/{number}/thumbnail")
        assert small.headers["content-type"] == "image/jpeg" and len(small.content) < 100_000
        assert ask.parsed(b"", folder=number)["name"] == "b.png"
        error_of(ask.get("/v1/folder/7/thumbnail"), 404)
        error_of(ask.post("/v1/parse", params={"folder": 7}), 404)
        error_of(ask.get("/v1/folder/..%2F..%2Fetc/thumbnail"), 404)
        error_of(ask.get("/v1/folder/-1/thumbnail"), 422)
        error_of(ask.get("/v1/folder", params={"count": 501}), 422)
        error_of(ask.get("/v1/folder", params={"path": "/"}), 422)


@pytest.mark.parametrize("path", ["/v1/parsers", "/v1/folder", "/v1/folder/0/thumbnail", "/v1/photographs/ID/picture"])
def test_who_leaves_frees_a_place_for_work_on_pixels(tmp_path: Path, path: str) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with application_of(folder=tmp_path) as application:
        ask, may_end = Asked(application), threading.Event()
        path = path.replace("ID", ask.parsed()["photograph"])
        pixels = ask.service.pixels

        async def hangs_up() -> dict[str, str]:
            await asyncio.sleep(0.1)
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            raise AssertionError("nobody listens")

        async def leave() -> int:
            busy = [asyncio.ensure_future(pixels.run(lambda: may_end.wait(30))) for _ in range(THREADS)]
            await asyncio.sleep(0)
            scope = {
                "type": "http",
                "method": "GET",
                "path": path,
                "query_string": b"",
                "headers": [(b"host", b"localhost")],
            }
            try:
                await asyncio.wait_for(application(scope, hangs_up, send), 10)
                return pixels._num
            finally:
                may_end.set()
                await asyncio.gather(*busy)

        assert asyncio.run(leave()) == THREADS


def test_without_a_folder_there_are_no_photographs(ask: Asked) -> None:
    assert ask.get("/v1/folder").json() == {"photographs": [], "total": 0}
    assert "must have a folder of photographs" in error_of(ask.get("/v1/folder/0/thumbnail"), 404)


def test_health_tells_when_the_service_stops() -> None:
    with application_of() as application:
        ask = Asked(application)
        assert ask.get("/healthz").json() == {"status": "ok", "waiting": 0, "kept": 0}
        ask.service.work.close()
        assert "while it stops" in error_of(ask.get("/healthz"), 503)
        assert "while it stops" in error_of(ask.post("/v1/parse", png()), 503)


def test_counts_are_what_prometheus_reads(ask: Asked) -> None:
    ask.parsed(parser="plain")
    for _ in range(3):
        ask.get("/page/none.js")
    ask.get("/a/secret/address")
    answer = ask.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) mereo_\w+ .+|mereo_\w+(\{(\w+="[^"]*",?)+\})? [0-9.e+-]+', line), line
    assert 'mereo_requests_total{method="GET",route="/page/{name}",status="404"} 3' in text
    assert 'mereo_requests_total{method="POST",route="/v1/parse",status="200"} 1' in text
    assert "secret" not in text and "mereo_queue_length 0" in text and "mereo_kept_photographs 1" in text
    assert 'mereo_batch_size_bucket{le="1"} 1' in text and "mereo_body_bytes 0" in text


def test_a_histogram_counts_what_is_at_most_its_bound() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.add(value)
    assert histogram.lines("x") == [
        'x_bucket{le="1"} 2',
        'x_bucket{le="2"} 3',
        'x_bucket{le="+Inf"} 4',
        "x_sum 12.000000",
        "x_count 4",
    ]
    counts = ServiceCounts()
    counts.request("GET", "/", 200, 0.1)
    assert 'mereo_requests_total{method="GET",route="/",status="200"} 1' in counts.text({})


def test_the_page_comes_from_memory_with_a_tag(ask: Asked) -> None:
    page = ask.get("/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = ask.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == page.headers["etag"]
    assert ask.get("/", headers={"If-None-Match": '"other"'}).status_code == 200
    for name, kind in (("studio.js", "text/javascript"), ("studio.css", "text/css"), ("mark.svg", "image/svg+xml")):
        part = ask.get(f"/page/{name}")
        assert part.headers["content-type"].startswith(kind)
        assert part.content == (page_files.FOLDER / name).read_bytes()
    assert ask("HEAD", "/").status_code == 200


@pytest.mark.parametrize("name", ["../page_files.py", "..%2Fpage_files.py", "%2e%2e/page_files.py", "none.js", ""])
def test_nothing_but_the_page_is_served(ask: Asked, name: str) -> None:
    assert ask.get(f"/page/{name}").status_code == 404


def test_every_part_that_the_page_names_is_there() -> None:
    files = read_page()
    named = re.findall(r'"/page/([\w.]+)"', files["index.html"].content.decode())
    for file in [name for name in files if name.endswith(".js")]:
        named += re.findall(r'from "\./([\w.]+)"', files[file].content.decode())
    assert named and set(named) <= files.keys()


def test_a_page_that_was_not_installed(tmp_path: Path) -> None:
    (tmp_path / "studio.js").write_text("")
    with pytest.raises(BadEnvironment, match="the studio's page must be installed, but got no index.html"):
        read_page(tmp_path)


def test_a_service_without_a_page(tmp_path: Path) -> None:
    with application_of() as application:
        assert isinstance(application, FastAPI)
        error_of(Asked(application).get("/"), 404)
        assert "/v1/parse" in json.dumps(Asked(application).get("/openapi.json").json())
