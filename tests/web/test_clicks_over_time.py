"""Photograph after photograph, click after click: each click is answered quickly, and memory stays level."""

import io
import random
import time
from statistics import quantiles

import httpx
import numpy as np
import pytest
from PIL import Image
from running_server import running

from mereo.data.drawn_scenes import draw_scene
from mereo.parser.weights import load
from mereo.web.application import create_application
from mereo.web.service_limits import ServiceLimits

LONGEST_CLICK_SECONDS = 0.1
MOST_GROWTH = 1.05
CLICKS = 10


def resident_bytes() -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            row = next(line for line in status if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        pytest.skip("no /proc here to read the resident memory from")
    return 1024 * int(row.split()[1])


def photograph(index: int) -> bytes:
    """Of another size each time: that is what leaves holes in memory."""
    height, width = 200 + 7 * (index % 11), 260 + 13 * (index % 7)
    content = io.BytesIO()
    image_HWC = np.asarray(draw_scene(7, index % 24, size=(height, width)).image_CHW.permute(1, 2, 0))
    Image.fromarray(image_HWC).save(content, "JPEG")
    return content.getvalue()


def clicked(client: httpx.Client, index: int, order: random.Random) -> list[float]:
    """The seconds of each click on one photograph, one more on it each time, at any level, told in any form."""
    answer = client.post("/v1/parse", content=photograph(index))
    assert answer.status_code == 200, answer.text
    parse, clicks, seconds = answer.json(), [], []
    for number in range(CLICKS):
        place = {"x": order.randrange(parse["width"]), "y": order.randrange(parse["height"])}
        clicks.append({**place, "adds": order.random() < 0.7})
        asked = {"photograph": parse["photograph"], "parser": parse["parser"], "clicks": clicks}
        asked |= {"level": order.randint(1, len(parse["groups"]["levels"]))}
        asked |= {"format": ("share", "rle", "polygon", "png")[number % 4]}
        start = time.perf_counter()
        answer = client.post("/v1/clicks", json=asked)
        seconds.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.text
    return seconds


def check_photographs(num: int, *, settled_after: int) -> None:
    limits = ServiceLimits(kept_photographs=4)
    order, seconds, early, late = random.Random(0), [], 0, 0
    application = create_application({"everyday": load("everyday")}, limits=limits)
    with running(application) as server, httpx.Client(base_url=f"http://localhost:{server.port}", timeout=60) as client:
        for index in range(num):
            seconds += clicked(client, index, order)
            if settled_after <= index < 2 * settled_after:
                early = max(early, resident_bytes())
            elif index >= num - settled_after:
                late = max(late, resident_bytes())
    assert quantiles(seconds, n=20)[-1] <= LONGEST_CLICK_SECONDS
    assert late <= MOST_GROWTH * early, f"{early / 2**20:.0f} MiB have become {late / 2**20:.0f}"


@pytest.mark.slow
def test_fifty_photographs_with_ten_clicks_each() -> None:
    check_photographs(50, settled_after=12)


@pytest.mark.soak
def test_a_thousand_photographs_with_ten_clicks_each() -> None:
    check_photographs(1000, settled_after=100)
