"""A studio as a person starts it, and a real browser that looks at it."""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mereo.data.drawn_scenes import draw_scene
from mereo.parser.config import ParserConfig
from mereo.parser.weights import load, save_parser
from mereo.strict_yaml import validated

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SECONDS_TO_START = 90
SEEDS = ((0, "street"), (3, "room"), (5, "field"))


def require_browser() -> None:
    pytest.importorskip("playwright", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")


def draw_photographs(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for index, kind in SEEDS:
        image_HWC = np.asarray(draw_scene(1, index, size=(240, 320), kind=kind).image_CHW.permute(1, 2, 0))
        Image.fromarray(image_HWC).save(folder / f"{kind}.png")
    return folder


def save_token_parser(path: Path) -> Path:
    """Untrained, and small: what its tokens look at is of no matter, that they are shown is."""
    torch.manual_seed(3)
    tokens = {"stage": "concept_tokens", "num_concepts": 6, "width": 8, "feedforward_width": 8, "num_heads": 2}
    content = {"backbone": {"name": "test_efficientnet"}, "path": [{"stage": "projection", "width": 8}, tokens]}
    return save_parser(validated(ParserConfig, content, source="a test").build(load("street").taxonomy), path)


@contextmanager
def running_studio(*arguments: str, cache: Path) -> Iterator[str]:
    """`mereo studio` in a process of its own; the address that it prints."""
    command = [sys.executable, "-c", "from mereo.commands.main import main; main()", "studio", *arguments]
    environment = os.environ | {"MEREO_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
    log = (cache.parent / "studio.log").open("w+")
    process = subprocess.Popen(
        [*command, "--port", "0", "--no-browser"], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
    )
    try:
        yield printed_address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def printed_address(process: Any, log: Any) -> str:
    told, end = "", time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        if select.select([process.stdout], [], [], 0.5)[0]:
            told += process.stdout.readline()
            if found := re.search(r"http://\S+", told):
                return found.group()
    log.seek(0)
    raise RuntimeError(f"mereo studio printed no address: {told} {log.read()[-2000:]}")


class HeldRequests:
    """Requests that wait until they are let go: what a page does meanwhile is what people see of a slow service."""

    def __init__(self, page: Any, pattern: str) -> None:
        self.page, self.pattern = page, re.compile(pattern)
        self.routes: list[Any] = []
        self.holds = True
        page.route(self.pattern, lambda route: self.routes.append(route) if self.holds else route.continue_())

    def wait_for(self, number: int = 1) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while len(self.routes) < number:
            assert time.monotonic() < end, f"{number} requests like {self.pattern.pattern} must come"
            self.page.wait_for_timeout(20)

    def let_go(self) -> None:
        """These, and all that come later."""
        self.holds = False
        for route in self.routes:
            route.continue_()

    def refuse(self, sentence: str, *, status: int = 503) -> None:
        """These alone: what comes later goes through."""
        self.holds = False
        for route in self.routes:
            route.fulfill(status=status, json={"error": sentence})


class StudioPage:
    """What a person does, in their words; every answer waits for what they would see."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def text(self, place: str) -> str:
        return str(self.page.inner_text(place))

    def wait_for_text(self, place: str, pattern: str) -> str:
        self.page.wait_for_function(
            "([place, pattern]) => new RegExp(pattern).test(document.querySelector(place)?.innerText ?? '')",
            arg=[place, pattern],
        )
        return self.text(place)

    def choose_from_folder(self, name: str) -> None:
        self.page.click(f'#folder button[title="{name}"]')
        self.wait_for_parse(name)

    def wait_for_parse(self, name: str) -> None:
        self.wait_for_text("#stage figcaption", re.escape(name))
        self.page.wait_for_selector("#progress", state="hidden")
        self.settle()

    def open_file(self, path: Path) -> None:
        self.page.set_input_files("#file", path)

    def focused(self, attribute: str = "id") -> str | None:
        """Of what has the focus; of the page itself: None."""
        self.settle()
        found = self.page.evaluate("(name) => document.activeElement.getAttribute(name)", attribute)
        return None if found is None else str(found)

    def tab_to(self, place: str, *, key: str = "Tab") -> None:
        """As a person without a mouse gets there."""
        for _ in range(90):
            if self.page.evaluate("(place) => document.activeElement.matches(place)", place):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{place} must be reached by {key}")

    def settle(self) -> None:
        """Two frames: what was changed is painted."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def canvas(self, place: str = "#stage canvas") -> str:
        self.settle()
        return str(self.page.evaluate("(place) => document.querySelector(place).toDataURL()", place))

    def colour_at(self, x: float, y: float) -> list[int]:
        """Red, green, blue, opacity of what is painted over the photograph at this share of its width and height."""
        self.settle()
        return list(
            self.page.evaluate(
                """([x, y]) => { const canvas = document.querySelector("#stage canvas");
                const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
                return [...canvas.getContext("2d").getImageData(...at, 1, 1).data]; }""",
                [x, y],
            )
        )

    def beside(self, x: float, y: float, *, is_painted: bool) -> tuple[float, float]:
        """A place close to this one, outside the mark of a click, where something is painted, or (almost) nothing.
        Which pixels a group has differs a little from machine to machine."""
        self.settle()
        found = self.page.evaluate(
            """([x, y, isPainted]) => {
            const canvas = document.querySelector("#stage canvas"), { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            for (let far = 14; far < 60; far += 2) for (let turn = 0; turn < 6.3; turn += 0.2) {
              const across = Math.round(x * width + far * Math.cos(turn));
              const down = Math.round(y * height + far * Math.sin(turn));
              if (across < 0 || down < 0 || across >= width || down >= height) continue;
              const opacity = data[4 * (down * width + across) + 3];
              if ((opacity > 100) === isPainted) return [(across + 0.5) / width, (down + 0.5) / height];
            } }""",
            [x, y, is_painted],
        )
        assert found is not None, f"something near {x}, {y} must be {'painted' if is_painted else 'left as it is'}"
        return found[0], found[1]

    def point(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator("#stage canvas").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x: float, y: float, *, with_alt: bool = False) -> None:
        if with_alt:
            self.page.keyboard.down("Alt")
        self.page.mouse.click(*self.point(x, y))
        if with_alt:
            self.page.keyboard.up("Alt")
        self.settle()

    def show(self, view: str) -> None:
        self.page.check(f'#views input[value="{view}"]', force=True)
        self.settle()

    def tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}")
        self.settle()
