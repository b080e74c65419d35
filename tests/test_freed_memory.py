"""Freed memory goes back every so many images, where the C library can do that."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_instance_parser import tiny_instance_parser
from tiny_mask_parser import mask_parser
from tiny_parser import TAXONOMY, random_image, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser

from mereo import freed_memory
from mereo.data.sample import Sample, as_image, as_mask
from mereo.evaluation.temperature_fit import sampled_scores
from mereo.interaction.clicks import group_photograph
from mereo.interaction.level_explanation import explain_levels
from mereo.parser.asking.pyramid_levels import level_answers_of
from mereo.parser.dense_features import dense_features
from mereo.parser.token_weights import token_weights_of


def test_every_sixteenth_image_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(freed_memory, "_malloc_trim", lambda: calls.append)
    monkeypatch.setattr(freed_memory, "_images", iter(range(1, 100)))
    for number in range(1, 34):
        freed_memory.image_done()
        assert len(calls) == number // 16
    assert calls == [0, 0]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_nothing_happens(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory.sys, "platform", platform)
    assert freed_memory._malloc_trim.__wrapped__() is None
    monkeypatch.setattr(freed_memory, "_malloc_trim", lambda: None)
    for _ in range(16):
        freed_memory.image_done()


def test_a_library_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory.sys, "platform", "linux")
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: object())
    assert freed_memory._malloc_trim.__wrapped__() is None


def test_whatever_sees_one_image_after_the_other_counts_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing, detecting, looking and fitting a temperature: all of them run over whole data sets."""
    parser, detector, token_parser = tiny_parser(), tiny_instance_parser(), mask_parser()
    pyramid_parser, grouping_parser = tiny_pyramid_parser(), tiny_grouping_parser()
    one_image = {
        "parse": lambda: parser.parse(random_image(40, 56)),
        "detect": lambda: detector.detect(random_image(40, 56)),
        "tokens": lambda: token_weights_of(token_parser, random_image(40, 56)),
        "levels": lambda: level_answers_of(pyramid_parser, random_image(40, 56)),
        "levels and parse": lambda: explain_levels(pyramid_parser, random_image(40, 56)),
        "groups": lambda: group_photograph(grouping_parser, random_image(40, 56)),
        "features": lambda: dense_features(parser, random_image(40, 56)),
        "temperature": lambda: sampled_scores(parser, OneSample()),  # type: ignore[arg-type]
    }
    counted = {}
    for name, see in one_image.items():
        calls: list[int] = []
        monkeypatch.setattr(freed_memory, "_images", iter(lambda calls=calls: calls.append(1) or 1, 0))
        see()
        counted[name] = len(calls)
    assert counted == dict.fromkeys(one_image, 1)


class OneSample:
    taxonomy = TAXONOMY

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        label_HW = np.zeros((24, 40), dtype=np.uint8)
        return Sample(name="a", image_CHW=as_image(random_image(24, 40)), semantic_HW=as_mask(label_HW))
