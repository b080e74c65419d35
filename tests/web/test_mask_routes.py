"""POST /v1/clicks in four forms, POST /v1/labels; clicks of all the unfriendly kinds."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_service import SIZE, Asked, application_of, error_of, png
from faster_coco_eval.core import mask as coco
from PIL import Image
from tiny_parser import random_image, tiny_parser

from mereo.interaction.any_hierarchy import hierarchy_of
from mereo.interaction.clicks import Click, clicked_mask
from mereo.web.answer_shapes import LabelsAnswer, MaskAnswer
from mereo.web.request_shapes import MAX_CLICKS

IMAGE_HWC = random_image(*SIZE, seed=1)
CLICKS = [{"x": 5, "y": 6, "adds": True}, {"x": 40, "y": 30, "adds": True}, {"x": 60, "y": 2, "adds": False}]


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    with application_of() as application:
        yield Asked(application)


@pytest.fixture(scope="module")
def photograph(ask: Asked) -> str:
    return str(ask.parsed(png(IMAGE_HWC))["photograph"])


def question(photograph: str, **others: Any) -> dict[str, Any]:
    return {"photograph": photograph, "parser": "tiny", "level": 2, "clicks": CLICKS, **others}


def own_mask(level: int = 2) -> np.ndarray:
    groups = hierarchy_of(tiny_parser().parse(IMAGE_HWC, with_confidence=True))
    return clicked_mask(groups, [Click(one["x"], one["y"], one["adds"]) for one in CLICKS], level=level)


@pytest.mark.parametrize("form", ["share", "rle", "polygon", "png"])
def test_a_mask_in_every_form_is_the_clicked_one(ask: Asked, photograph: str, form: str) -> None:
    answer, own_HW = ask.post("/v1/clicks", question(photograph, format=form)), own_mask()
    assert answer.status_code == 200 and 0 < own_HW.mean() < 1
    if form == "png":
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), own_HW)
        return
    told = MaskAnswer.model_validate_json(answer.content, strict=True)
    assert told.area_pixels == own_HW.sum() and told.share == pytest.approx(own_HW.mean(), abs=1e-6)
    if form == "rle":
        rle = answer.json()["rle"]
        assert np.array_equal(coco.decode({"size": rle["size"], "counts": rle["counts"].encode()}), own_HW)
    if form == "polygon":
        area = sum(
            (np.roll(ring[1::2], -1) * ring[0::2] - np.roll(ring[0::2], -1) * ring[1::2]).sum() / 2
            for ring in map(np.array, answer.json()["polygon"])
        )
        assert area == own_HW.sum()


def test_no_click_chooses_nothing_and_taking_away_wins(ask: Asked, photograph: str) -> None:
    assert ask.post("/v1/clicks", question(photograph, clicks=[])).json()["area_pixels"] == 0
    both = [{"x": 9, "y": 9}, {"x": 9, "y": 9, "adds": False}]
    assert ask.post("/v1/clicks", question(photograph, clicks=both)).json()["area_pixels"] == 0
    everything = ask.post("/v1/clicks", question(photograph, clicks=both[:1], level=4)).json()
    assert everything == {"share": 1.0, "area_pixels": SIZE[0] * SIZE[1]}


def test_two_tabs_on_one_photograph_do_not_disturb_each_other(ask: Asked, photograph: str) -> None:
    first = [{"x": 1, "y": 1}]
    alone = ask.post("/v1/clicks", question(photograph, clicks=first)).json()
    ask.post("/v1/clicks", question(photograph))
    ask.parsed(b"", photograph=photograph)
    assert ask.post("/v1/clicks", question(photograph, clicks=first)).json() == alone


@pytest.mark.parametrize(
    ("change", "status", "match"),
    [
        ({"clicks": [{"x": SIZE[1], "y": 0}]}, 400, "a click must lie in the photograph of 64x48, but got 64,0"),
        ({"clicks": [{"x": -1, "y": 0}]}, 422, "body.clicks.0.x must "),
        ({"clicks": [{"x": 1.5, "y": 0}]}, 422, "body.clicks.0.x must "),
        ({"clicks": [{"x": "1", "y": 0}]}, 422, "body.clicks.0.x must "),
        ({"clicks": [{"x": True, "y": 0}]}, 422, "body.clicks.0.x must "),
        ({"clicks": [{"x": 1, "y": 0}] * (MAX_CLICKS + 1)}, 422, "body.clicks must "),
        ({"level": 0}, 422, "body.level must "),
        ({"level": 9}, 400, "level must be 1 to 4, but got 9"),
        ({"format": "svg"}, 422, "body.format must "),
        ({"path": "/etc/passwd"}, 422, "body.path must "),
        ({"photograph": "gone"}, 404, "photograph must be one that is still kept, but got 'gone'"),
        ({"parser": "other"}, 404, "photograph must have been parsed by 'other'"),
    ],
)
def test_clicks_that_make_no_sense(
    ask: Asked, photograph: str, change: dict[str, Any], status: int, match: str
) -> None:
    assert match in error_of(ask.post("/v1/clicks", question(photograph) | change), status)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b"[" * 100_000, 400),
        (b'{"x": NaN}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"photograph": "\\ud800", "parser": "tiny", "level": 1, "clicks": []}', 422),
        (b'{"photograph": "a", "parser": "tiny", "level": 1, "clicks": [{"x": NaN, "y": 0}]}', 422),
        (b'{"photograph": "a", "parser": "tiny", "level": 1e400, "clicks": []}', 422),
        (b'{"photograph": "a", "parser": "tiny", "level": 1' + b"0" * 4000 + b', "clicks": []}', 422),
        (b'{"photograph": "a", "parser": "tiny", "level": 1' + b"0" * 9000 + b', "clicks": []}', 400),
    ],
)
def test_json_that_is_none_or_another(ask: Asked, body: bytes, status: int) -> None:
    error_of(ask.post("/v1/clicks", body, headers={"Content-Type": "application/json"}), status)


def test_only_json_is_json(ask: Asked, photograph: str) -> None:
    body = json.dumps(question(photograph)).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refusal = error_of(ask.post("/v1/clicks", body, headers={"Content-Type": kind}), 415)
        assert f"a body must be sent as application/json, but got {kind.split(';')[0]!r}" in refusal
    right = {"Content-Type": "application/json; charset=utf-8"}
    assert ask.post("/v1/clicks", body, headers=right).status_code == 200


def test_a_hundred_thousand_clicks_are_too_large_a_body(ask: Asked, photograph: str) -> None:
    many = question(photograph, clicks=[{"x": 1, "y": 1, "adds": True}] * 100_000)
    assert "a body must have at most 1,048,576 bytes" in error_of(ask.post("/v1/clicks", many), 413)


def test_painted_regions_become_a_label(tmp_path: Path) -> None:
    Image.fromarray(IMAGE_HWC).save(tmp_path / "a.png")
    with application_of(folder=tmp_path) as application:
        ask = Asked(application)
        assert ask.get("/v1/parsers").json()["labels"] is True
        photograph = ask.parsed(b"", folder=0)["photograph"]
        region = {"class": "car", "level": 2, "clicks": CLICKS}
        asked = {"photograph": photograph, "parser": "tiny", "regions": [region]}
        answer = ask.post("/v1/labels", asked)
        saved = LabelsAnswer.model_validate_json(answer.content, strict=True).saved
        (label,) = (tmp_path / "mereo_labels" / "labels").glob("*.png")
        label_HW = np.asarray(Image.open(label))
        assert np.array_equal(label_HW == 2, own_mask()) and saved.unlabelled == pytest.approx((label_HW == 255).mean())
        assert saved.classes == [("car", pytest.approx(own_mask().mean()))] and saved.next
        other = asked | {"regions": [region | {"class": "sky", "clicks": [{"x": 60, "y": 2}]}]}
        assert saved.replaced is False and ask.post("/v1/labels", other).json()["saved"]["replaced"] is True
        label_HW = np.asarray(Image.open(label))
        assert np.array_equal(label_HW == 2, own_mask()) and (label_HW == 0).any(), "the car is still there"
        alone = ask.post("/v1/labels", other | {"keep": False}).json()["saved"]
        assert [name for name, _ in alone["classes"]] == ["sky"] and not (np.asarray(Image.open(label)) == 2).any()
        kept = ask.post("/v1/labels", asked | {"keep_parse": True}).json()["saved"]
        assert kept["unlabelled"] == 0
        unknown = asked | {"regions": [region | {"class": "cat"}]}
        assert "but got 'cat'" in error_of(ask.post("/v1/labels", unknown), 400)
        assert "body.regions must " in error_of(ask.post("/v1/labels", asked | {"regions": []}), 422)


def test_labels_need_a_folder(ask: Asked, photograph: str) -> None:
    asked = {
        "photograph": photograph,
        "parser": "tiny",
        "regions": [{"class": "car", "level": 2, "clicks": CLICKS}],
    }
    assert "labels must have a folder to go to, but got none" in error_of(ask.post("/v1/labels", asked), 404)
    assert ask.get("/v1/parsers").json()["labels"] is False
