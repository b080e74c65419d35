"""The page of an evaluation: its numbers, escaped names, nothing from elsewhere; and in a browser at two widths."""

import base64
import hashlib
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.reliability_picture import ReliabilityCurve
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_page import mistaken_for, unsure_in_words, write_evaluation_page
from mereo.evaluation.worst_images import WorstImages
from mereo.metrics.calibration import UNITS
from mereo.metrics.confusion import confusion_matrix, region_counts

sys.path.insert(0, str(Path(__file__).parents[1] / "drawing"))
from browser import PROGRAM, Browser

NASTY = "<script>alert(1)</script>{{style}}\udcff"
NAMES = ("sky", "<b>road</b>", "car", "nowhere")
TAXONOMY = Taxonomy("street", LabelTable(NAMES))


def written_page(folder: Path, *, with_confidence: bool = True, num_worst: int = 2) -> Path:
    generator = np.random.default_rng(0)
    confusion_KK, worst, per_image = np.zeros((4, 4), dtype=np.int64), WorstImages(TAXONOMY, num_worst), []
    names = ("good", NASTY, "middle")
    for name, noise in zip(names, (0.02, 0.6, 0.2)):
        label_HW = np.sort(generator.integers(0, 3, (60, 80)), axis=0)
        predicted_HW = np.where(generator.random((60, 80)) < noise, generator.integers(0, 3, (60, 80)), label_HW)
        label_HW[:5] = 255
        of_image_KK = confusion_matrix(label_HW, predicted_HW, num_classes=4, ignore_index=255)
        image_HWC = generator.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        sample = Sample(name=name, image_CHW=as_image(image_HWC), semantic_HW=as_mask(label_HW))
        worst.see(sample, Parse(image_HWC, predicted_HW, TAXONOMY, name=name), region_counts(of_image_KK))
        confusion_KK += of_image_KK
        per_image.append(region_counts(of_image_KK).astype(np.int32))
    reliability_B3 = np.zeros((20, 3), dtype=np.int64)
    reliability_B3[5] = 100, 30, 27 * UNITS
    reliability_B3[18] = 900, 850, 840 * UNITS
    evaluation = Evaluation(
        class_names=NAMES,
        image_names=names,
        confusion_KK=confusion_KK,
        boundary_K3=np.zeros((4, 3), dtype=np.int64),
        per_image_NK3=np.stack(per_image),
        seconds=1.0,
        scales=(0.5, 1.0),
        flip=True,
        conditions={"parser": "<i>mine</i>", "split": "val", "temperature": 1.25},
        reliability_B3=reliability_B3 if with_confidence else None,
    )
    return write_evaluation_page(
        evaluation,
        folder,
        taxonomy=TAXONOMY,
        worst=worst.worst_first(),
        before=ReliabilityCurve("before", reliability_B3) if with_confidence else None,
        notes=["A <note>."],
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_page(tmp_path_factory.mktemp("page"))


def test_numbers_stand_on_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.search(r"<dt>mean IoU</dt><dd>\d\d\.\d\d", text) and "frequency-weighted IoU" in text
    assert "<dt>boundary IoU</dt><dd>n/a</dd>" in text
    assert "10 % of the pixels have a confidence below 0.5 (unsure); 30 % of these are right." in text
    assert "3 images · split val · scales 0.5, 1 · with the mirrored image" in text
    # A class that is nowhere is n/a, in the last row.
    last_row = re.findall(r"<tr>.*?</tr>", text, re.S)[-1]
    assert "nowhere" in last_row and last_row.count("n/a") == 3


def test_the_worst_come_first_with_what_they_cost(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    cards = re.findall(r"<h3>(.*?) <span>mean IoU ([\d.]+)", text)
    assert [name.startswith("&lt;script&gt;") for name, _ in cards] == [True, False]
    assert cards[1][0] == "middle" and float(cards[0][1]) < float(cards[1][1])
    assert len(re.findall(r"&minus;\d+\.\d", text)) == 6


def test_names_from_outside_are_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "<b>" not in text and "<i>" not in text and "<note>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{style}}\\udcff" in text
    assert not re.search(r'\son\w+="', text) and 'style="' not in text


def test_the_page_needs_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = set(re.findall(r'(?:src|href)="([^"]*)"', text)) - {"./evaluation.json", "./per_image.csv"}
    assert len(links) == 2 + 2 * 4 and all(link.startswith("./") for link in links)
    for link in links:
        with Image.open(page.parent / unquote(link)) as picture:
            picture.load()
    assert not re.search(r"https?://", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]  # type: ignore[index]
    style = re.findall(r"<style>(.*?)</style>", text, re.S)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy and "script-src" not in policy


def test_without_confidences_and_without_images(tmp_path: Path) -> None:
    text = written_page(tmp_path, with_confidence=False, num_worst=0).read_text(encoding="utf-8")
    assert "reliability" not in text and "calibration" not in text and "Where it does worst" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confusion.png", "index.html"]


def evaluation_of(confusion_KK: np.ndarray, names: tuple[str, ...]) -> Evaluation:
    nothing = np.zeros((len(names), 3), dtype=np.int64)
    return Evaluation(names, ("one",), confusion_KK, nothing, region_counts(confusion_KK)[None], 1.0)


def test_mistaken_for() -> None:
    confusion_KK = np.array([[9000, 700, 300, 0], [1, 99999, 0, 0], [0, 0, 0, 0], [0, 0, 5, 5]])
    evaluation = evaluation_of(confusion_KK, ("a", "b", "c", "d"))
    assert mistaken_for(evaluation, 0) == [("b", 0.07), ("c", 0.03)]
    assert mistaken_for(evaluation, 1) == [], "a thousandth at least"
    assert mistaken_for(evaluation, 2) == []
    assert mistaken_for(evaluation, 3) == [("c", 0.5)]


def test_unsure_in_words_without_anything_to_say() -> None:
    assert unsure_in_words(evaluation_of(np.eye(2, dtype=int), ("a", "b"))) == ""


def test_a_long_table_is_folded_away(tmp_path: Path) -> None:
    names = tuple(f"class {index}" for index in range(150))
    taxonomy = Taxonomy("many", LabelTable(names))
    page = write_evaluation_page(evaluation_of(np.eye(150, dtype=int), names), tmp_path, taxonomy=taxonomy)
    assert '<details id="classes">' in page.read_text(encoding="utf-8")


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
@pytest.mark.slow
@pytest.mark.parametrize(("width", "is_dark"), [(390, False), (1280, True)])
def test_in_a_browser(width: int, is_dark: bool, page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(width, 844), is_dark=is_dark) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= width, "nothing sticks out at the side"
        pictures = "[...document.images].map(image => { image.loading = 'eager'; return image.decode(); })"
        assert browser.value(f"Promise.all({pictures}).then(all => all.length)") == 2 + 2 * 4
        tops = "new Set([...document.querySelector('.four').children].map(a => a.getBoundingClientRect().top)).size"
        assert browser.value(tops) == (2 if width < 860 else 1), "four beside each other, or two and two"
        swatch = "getComputedStyle(document.querySelector('tbody .swatch')).backgroundColor"
        colours = {"rgb({}, {}, {})".format(*colour) for colour in TAXONOMY.objects.colours_K3.tolist()}
        assert browser.value(swatch) in colours
        assert browser.complaints() == []
