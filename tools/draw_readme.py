"""The README's pictures, with the built-in parser as it is now.

    python tools/draw_readme.py                        # docs/pictures/readme.jpg
    python tools/draw_readme.py --studio http://localhost:8321/ --chromium /usr/bin/chromium

The second one looks at a running `mereo studio FOLDER`; FOLDER holds the same photograph, scikit-learn's china.jpg.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

import mereo
from mereo.drawing.legend import with_legend
from mereo.drawing.overlay import draw_overlay

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
GAP, QUALITY, PAPER = 12, 92, 255
SKY = (0.5, 0.1)


def draw_parse() -> Path:
    """Left the photograph, right what was found, with its legend."""
    parse = mereo.parse(load_sample_image("china.jpg"))
    found_HWC = with_legend(draw_overlay(parse), parse)
    height, width = parse.size
    sheet_HWC = np.full((len(found_HWC), 2 * width + GAP, 3), PAPER, np.uint8)
    sheet_HWC[:height, :width] = parse.image_HWC
    sheet_HWC[:, width + GAP :] = found_HWC
    return saved(Image.fromarray(sheet_HWC), "readme")


def draw_studio(address: str, chromium: str) -> Path:
    """One click on the sky."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(address)
        page.get_by_role("button", name="china.jpg").first.click()
        page.wait_for_selector("#canvas", state="visible", timeout=60_000)
        page.get_by_role("tab", name="Select").click()
        canvas = page.locator("#canvas")
        size = canvas.evaluate("one => [one.clientWidth, one.clientHeight]")
        canvas.click(position={"x": SKY[0] * size[0], "y": SKY[1] * size[1]})
        page.mouse.move(2, 2)
        page.wait_for_timeout(1000)
        path = PICTURES / "studio.png"
        page.screenshot(path=path)
        browser.close()
    with Image.open(path) as picture:
        written = saved(picture.convert("RGB"), "studio")
    path.unlink()
    return written


def saved(picture: Image.Image, name: str) -> Path:
    path = PICTURES / f"{name}.jpg"
    picture.save(path, quality=QUALITY, optimize=True)
    return path


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--studio", metavar="ADDRESS", help="draw the studio that runs there instead")
    arguments.add_argument("--chromium", default="chromium", help="where the browser is")
    chosen = arguments.parse_args()
    print(draw_studio(chosen.studio, chosen.chromium) if chosen.studio else draw_parse())


if __name__ == "__main__":
    main()
