"""POST /v1/parse: what is said of a picture, of which parser, from where; and what is refused."""

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_service import SIZE, Asked, application_of, error_of, png, slow_parser
from PIL import Image
from sent_maps import decoded
from tiny_grouping_parser import tiny_grouping_parser
from tiny_mask_parser import mask_parser
from tiny_parser import random_image, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.data.pictures.image_reading import decode_image
from mereo.errors import BadInput, TooManyPixels
from mereo.interaction.any_hierarchy import hierarchy_of
from mereo.web.answer_shapes import ParseAnswer
from mereo.web.service_limits import ServiceLimits

PARSERS = {
    "plain": tiny_parser,
    "tasks": tiny_perceptual_parser,
    "grouping": tiny_grouping_parser,
    "things": mask_parser,
}


@pytest.fixture(scope="module")
def ask() -> Any:
    with application_of({name: build() for name, build in PARSERS.items()}, default="plain") as application:
        yield Asked(application)


@pytest.mark.parametrize("name", PARSERS)
def test_the_answer_is_the_parse(ask: Asked, name: str) -> None:
    image_HWC = random_image(*SIZE, seed=3)
    answer = ask.parsed(png(image_HWC), parser=name)
    ParseAnswer.model_validate_json(json.dumps(answer), strict=True)
    parse = PARSERS[name]().parse(image_HWC, with_confidence=True)
    assert (answer["width"], answer["height"], answer["parser"]) == (SIZE[1], SIZE[0], name)
    assert np.array_equal(decoded(answer["tasks"]["objects"]["map"]), parse.semantic)
    own = [(one.name, one.area_pixels, list(one.box_xyxy), one.instance_id) for one in parse.segments]
    assert [(one["name"], one["area_pixels"], one["box_xyxy"], one["instance_id"]) for one in answer["segments"]] == own
    segment_HW = decoded(answer["segment_map"])
    areas = [one["area_pixels"] for one in answer["segments"]]
    assert np.bincount(segment_HW.ravel(), minlength=len(areas)).tolist() == areas
    assert answer["confidence"]["mean"] == pytest.approx(float(parse.confidence.astype(float).mean()), abs=1e-3)
    percent_HW = decoded(answer["confidence"]["map"])
    assert np.abs(percent_HW - 100 * parse.confidence.astype(float)).max() <= 0.54  # Half precision.
    for task in answer["tasks"].values():
        shown = np.bincount(decoded(task["map"]).ravel(), minlength=len(task["classes"]) + 1) / (SIZE[0] * SIZE[1])
        assert len(task["classes"]) == len(task["colours"])
        assert dict(task["shares"]) == {k: pytest.approx(shown[k], abs=1e-6) for k, _ in task["shares"]}
        assert sum(share for _, share in task["shares"]) + shown[-1] == pytest.approx(1, abs=1e-4)


def test_tasks_are_those_that_the_parser_answers(ask: Asked) -> None:
    answer = ask.parsed(parser="tasks")
    assert list(answer["tasks"]) == ["objects", "parts", "materials", "texture"]
    assert answer["tasks"]["objects"]["title"] == "Objects" and answer["scene"]["name"]
    parse = PARSERS["tasks"]().parse(random_image(*SIZE))
    assert answer["scene"]["name"] == parse.scene_name
    assert answer["tasks"]["materials"]["derived"] is ("materials" in parse.taxonomy.derived)
    parts_HW, num = decoded(answer["tasks"]["parts"]["map"]), len(answer["tasks"]["parts"]["classes"])
    assert np.array_equal(parts_HW < num, parse.parts < num) and (parts_HW == num).any()
    assert list(ask.parsed(parser="plain")["tasks"]) == ["objects"]


@pytest.mark.parametrize("name", ["plain", "grouping"])
def test_groups_are_those_that_clicks_reach(ask: Asked, name: str) -> None:
    image_HWC = random_image(*SIZE, seed=5)
    answer = ask.parsed(png(image_HWC), parser=name)["groups"]
    own = hierarchy_of(PARSERS[name]().parse(image_HWC, with_confidence=True))
    assert [one["groups"] for one in answer["levels"]] == [
        own.group_of_superpixel(level).tolist() for level in range(1, own.num_levels + 1)
    ]
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]]
    assert np.array_equal(decoded(answer["map"]).ravel() - 1, own.superpixels_at(xs.ravel(), ys.ravel()))
    assert answer["levels"][-1]["num"] == 1, "the last level is the whole picture"


def test_maps_of_a_large_picture_are_small(ask: Asked) -> None:
    answer = ask.parsed(png(random_image(40, 2500)), parser="plain")
    assert (answer["tasks"]["objects"]["map"]["width"], answer["tasks"]["objects"]["map"]["height"]) == (1024, 16)
    assert (answer["groups"]["map"]["width"], answer["groups"]["map"]["height"]) == (1024, 16)
    assert decoded(answer["groups"]["map"]).shape == (16, 1024)


def test_a_kept_photograph_by_another_parser_keeps_its_id(ask: Asked) -> None:
    first = ask.parsed(parser="plain")
    second = ask.parsed(b"", parser="things", photograph=first["photograph"])
    assert second["photograph"] == first["photograph"] and second["name"] == first["name"]
    assert second["parser"] == "things" and second["segments"] != first["segments"]
    batches = ask.service.counts.text({})
    again = ask.parsed(b"", parser="plain", photograph=first["photograph"])
    assert again == first
    line = next(one for one in batches.splitlines() if one.startswith("mereo_batch_size_count"))
    assert line in ask.service.counts.text({}), "what is known is not worked out again"


def test_ids_and_names_come_from_us(ask: Asked) -> None:
    answers = [
        ask.post("/v1/parse", png(), headers={"Content-Disposition": 'attachment; filename="../../etc/passwd"'}).json()
        for _ in range(2)
    ]
    assert answers[0]["photograph"] != answers[1]["photograph"] and len(answers[0]["photograph"]) >= 20
    assert answers[0]["name"] == answers[1]["name"] and answers[0]["name"].startswith("upload-")
    assert "passwd" not in json.dumps(answers)


@pytest.mark.parametrize("kind", ["image/png", "text/plain", "application/json", "multipart/form-data", ""])
def test_what_a_body_is_called_is_of_no_matter(ask: Asked, kind: str) -> None:
    assert ask.post("/v1/parse", png(), headers={"Content-Type": kind} if kind else {}).status_code == 200


def with_place(image_HWC: np.ndarray) -> bytes:
    """A JPEG that is stored turned, and tells where and by whom it was taken."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretMaker"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    return png(image_HWC, kind="JPEG", exif=exif, comment=b"SecretComment", quality=95)


def test_the_picture_comes_back_upright_and_says_nothing_of_its_maker_or_place(ask: Asked) -> None:
    sent = with_place(random_image(*SIZE))
    assert b"SecretMaker" in sent and b"SecretComment" in sent
    answer = ask.parsed(sent)
    assert (answer["width"], answer["height"]) == SIZE, "turned by a quarter"
    picture = ask.get(f"/v1/photographs/{answer['photograph']}/picture")
    assert picture.headers["content-type"] == "image/jpeg" and b"Secret" not in picture.content
    back = Image.open(io.BytesIO(picture.content))
    assert not back.getexif() and back.size == SIZE and "comment" not in back.info
    assert np.abs(np.asarray(back).astype(int) - decode_image(sent).astype(int)).mean() < 8


def test_a_large_picture_comes_back_smaller(ask: Asked) -> None:
    answer = ask.parsed(png(random_image(8, 3000)))
    picture = ask.get(f"/v1/photographs/{answer['photograph']}/picture").content
    assert Image.open(io.BytesIO(picture)).size == (2048, 6) and answer["width"] == 3000


@pytest.mark.parametrize(
    ("content", "status", "match"),
    [
        (b"", 400, "one of a picture as the body, folder and photograph must be given, but got none"),
        (b"hello", 415, "an image must be JPEG"),
        (b"%PDF-1.7 ...", 415, "but got a PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "but got an SVG drawing"),
        (png()[:200], 400, "an image must"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, 400, "but got a damaged or unusual JPEG"),
    ],
)
def test_what_is_no_sound_picture_is_refused(ask: Asked, content: bytes, status: int, match: str) -> None:
    assert match in error_of(ask.post("/v1/parse", content), status)


def test_pixels_are_counted_before_they_are_decoded() -> None:
    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", size), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )
    with application_of(limits=ServiceLimits(pixels=5_000)) as application:
        ask = Asked(application)
        assert "must have at most 5,000 pixels, but got 60000x60000" in error_of(ask.post("/v1/parse", bomb), 413)
        assert ask.post("/v1/parse", png()).status_code == 200


def test_pixels_that_wait_for_the_parser_share_one_room() -> None:
    """Pictures of one colour: next to nothing as bodies."""
    sent, num_bytes = png(np.zeros((*SIZE, 3), np.uint8)), 3 * SIZE[0] * SIZE[1]
    with application_of({"tiny": slow_parser(0.5)}, limits=ServiceLimits(pixels=1, pixel_bytes=1)) as application:
        assert application.state.service.parse_room.most == 3, "one picture that is allowed always finds room"
    limits = ServiceLimits(pixels=SIZE[0] * SIZE[1], pixel_bytes=2 * num_bytes)
    with application_of({"tiny": slow_parser(0.5)}, limits=limits) as application:
        ask = Asked(application)
        statuses = sorted(one.status_code for one in ask.at_once("POST", "/v1/parse", 4, content=sent))
        assert statuses == [200, 200, 429, 429]
        assert ask.service.parse_room.held_bytes == 0 and "mereo_pixel_bytes 0" in ask.get("/metrics").text
        ask.service.parse_room.held_bytes = num_bytes + 1
        assert "bytes of pixels to parse must be at most" in error_of(ask.post("/v1/parse", sent), 429)


def test_a_photograph_of_the_folder_with_too_many_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with application_of(folder=tmp_path, limits=ServiceLimits(pixels=100)) as application:
        found = Asked(application).post("/v1/parse", params={"folder": 0})
        assert "must have at most 100 pixels" in error_of(found, 413)


@pytest.mark.parametrize("is_upload", [True, False], ids=["upload", "folder"])
def test_the_kind_of_a_refusal_counts_not_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_upload: bool
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    told: list[Exception] = [
        TooManyPixels("a picture must be smaller, but got this; reduce it."),
        BadInput("an image must have at most one sky, but got two; cut it."),
    ]

    def refuse(*_: object, **__: object) -> None:
        raise told.pop(0)

    for module in ("parse_routes", "folder_photographs"):
        monkeypatch.setattr(f"mereo.web.{module}.decode_image", refuse)
    sent = {"content": png()} if is_upload else {"params": {"folder": 0}}
    with application_of(folder=tmp_path) as application:
        ask = Asked(application)
        assert "must be smaller" in error_of(ask.post("/v1/parse", **sent), 413)
        assert "at most one sky" in error_of(ask.post("/v1/parse", **sent), 400)


@pytest.mark.parametrize(
    ("parameters", "status", "match"),
    [
        ({"parser": "nobody"}, 404, "parser must be one of plain, tasks, grouping, things, but got 'nobody'"),
        ({"folder": 0}, 400, "but got a picture and folder"),
        ({"photograph": "x"}, 400, "but got a picture and photograph"),
        ({"folder": "first"}, 422, "query.folder must "),
        ({"folder": -1}, 422, "query.folder must "),
        ({"path": "/etc/passwd"}, 422, "query.path must "),
        ({"url": "http://127.0.0.1/"}, 422, "query.url must "),
    ],
)
def test_wrong_parameters_are_refused(ask: Asked, parameters: dict[str, Any], status: int, match: str) -> None:
    assert match in error_of(ask.post("/v1/parse", png(), params=parameters), status)


def test_a_form_is_told_how_to_send_a_picture(ask: Asked) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = ask.post("/v1/parse", b"--x\r\n\r\n" + png() + b"\r\n--x--", headers=headers)
    assert "the picture itself, but got a form; with curl say --data-binary" in error_of(answer, 415)


def test_a_photograph_that_nobody_keeps(ask: Asked) -> None:
    message = "photograph must be one that is still kept, but got 'gone'; send the picture again."
    assert error_of(ask.post("/v1/parse", params={"photograph": "gone"}), 404) == message
    assert error_of(ask.get("/v1/photographs/gone/picture"), 404) == message
    assert "must have a folder" in error_of(ask.post("/v1/parse", params={"folder": 0}), 404)
