"""Photograph after photograph, click after click: each click is answered quickly, and memory stays level."""

import io
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import httpx
import numpy as np
import pytest
from PIL import Image

from mereo.data.drawn_scenes import draw_scene

LONGEST_CLICK_SECONDS = 0.1
MOST_GROWTH = 1.05
CLICKS = 10


# In a process of its own, so that nothing else is weighed with it.
SERVICE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from running_server import running
from mereo.parser.weights import load
from mereo.web.application import create_application
from mereo.web.service_limits import ServiceLimits

limits = ServiceLimits(kept_photographs=4)
with running(create_application({{"everyday": load("everyday")}}, limits=limits)) as one:
    print(one.port, flush=True)
    sys.stdin.read()
"""


@contextmanager
def service() -> Iterator[tuple[int, int]]:
    """The process, and the port at which it answers."""
    command = [sys.executable, "-c", SERVICE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.stdin.close()


def resident_bytes(process: int) -> int:
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as status:
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
    order, seconds, early, late = random.Random(0), [], 0, 0
    with service() as (process, port), httpx.Client(base_url=f"http://localhost:{port}", timeout=60) as client:
        for index in range(num):
            seconds += clicked(client, index, order)
            if settled_after <= index < 2 * settled_after:
                early = max(early, resident_bytes(process))
            elif index >= num - settled_after:
                late = max(late, resident_bytes(process))
    assert quantiles(seconds, n=20)[-1] <= LONGEST_CLICK_SECONDS
    assert late <= MOST_GROWTH * early, f"{early / 2**20:.0f} MiB have become {late / 2**20:.0f}"


@pytest.mark.slow
def test_fifty_photographs_with_ten_clicks_each() -> None:
    check_photographs(50, settled_after=18)


@pytest.mark.soak
def test_a_thousand_photographs_with_ten_clicks_each() -> None:
    check_photographs(1000, settled_after=100)
