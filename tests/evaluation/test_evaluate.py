"""evaluate() with a parser of a few lines: counts against a direct computation, conditions, refusals, memory."""

import gc
import tracemalloc
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.evaluate import evaluate
from mereo.metrics.boundary_iou import boundary_counts
from mereo.metrics.calibration import UNITS
from mereo.metrics.confusion import confusion_matrix

NAMES = ("sky", "building", "road", "cat")
TAXONOMY = Taxonomy(name="test", objects=LabelTable(names=NAMES))


@dataclass
class BrightnessParser:
    """Class = red value // 10. Remembers how it was called."""

    taxonomy: Taxonomy = TAXONOMY
    calls: list = field(default_factory=list)
    answers: bool = True

    def parse(
        self, image_HWC, *, name="image", scales=(1.0,), flip=False
    ):  # No confidences: others' parsers lack them.
        assert image_HWC.dtype == np.uint8 and image_HWC.shape[2] == 3
        self.calls.append((name, tuple(scales), flip))
        semantic = (image_HWC[..., 0] // 10).astype(np.int32) if self.answers else None
        return Parse(image_HWC=image_HWC, semantic=semantic, taxonomy=self.taxonomy, name=name)


class DrawnSamples:
    """Images of different sizes; the label is the brightness class, with some pixels moved and some ignored."""

    def __init__(self, count, *, size=(20, 24), taxonomy=TAXONOMY):
        self.taxonomy, self.count, self.size = taxonomy, count, size

    def __len__(self):
        return self.count

    @property
    def names(self):
        return [f"image {index}" for index in range(self.count)]

    def arrays(self, index):
        generator = np.random.default_rng(index)
        height, width = self.size[0] + index % 3, self.size[1]
        label = generator.integers(0, 3, (height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width]
        image = np.zeros((height, width, 3), dtype=np.uint8)
        image[..., 0] = np.roll(label, 1, axis=1) * 10 + generator.integers(0, 10, label.shape)
        label[generator.random(label.shape) < 0.1] = 255
        return image, label

    def __getitem__(self, index):
        image, label = self.arrays(index)
        return Sample(name=self.names[index], image_CHW=as_image(image), semantic_HW=as_mask(label))


def test_counts_add_up_over_images():
    samples, parser, seen = DrawnSamples(5), BrightnessParser(), []
    result = evaluate(
        parser, samples, scales=(0.5, 1.0), flip=True, progress=lambda done, total: seen.append((done, total))
    )
    confusion, boundary = np.zeros((4, 4), dtype=int), np.zeros((4, 3), dtype=int)
    for index in range(5):
        image, label = samples.arrays(index)
        of_image = confusion_matrix(label, image[..., 0] // 10, num_classes=4, ignore_index=255)
        boundary += boundary_counts(label, image[..., 0] // 10, num_classes=4, ignore_index=255)
        np.testing.assert_array_equal(result.per_image_NK3[index, :, 0], np.diag(of_image))
        np.testing.assert_array_equal(result.per_image_NK3[index, :, 1], of_image.sum(axis=1))
        np.testing.assert_array_equal(result.per_image_NK3[index, :, 2], of_image.sum(axis=0))
        confusion += of_image
    np.testing.assert_array_equal(result.confusion_KK, confusion)
    np.testing.assert_array_equal(result.boundary_K3, boundary)
    np.testing.assert_array_equal(result.per_image_NK3.sum(axis=0), result.region_counts_K3)
    assert parser.calls == [(f"image {index}", (0.5, 1.0), True) for index in range(5)]
    assert seen == [(index, 5) for index in range(1, 6)]
    assert result.class_names == NAMES and result.image_names == tuple(samples.names) and result.num_images == 5
    assert result.scales == (0.5, 1.0) and result.flip and result.seconds > 0


def test_measures_and_class_rows():
    result = evaluate(BrightnessParser(), DrawnSamples(3))
    iou = [
        result.confusion_KK[k, k]
        / (result.confusion_KK[k].sum() + result.confusion_KK[:, k].sum() - result.confusion_KK[k, k])
        for k in range(3)
    ]
    assert result.mean_iou == pytest.approx(np.mean(iou))
    assert result.pixel_accuracy == pytest.approx(np.trace(result.confusion_KK) / result.confusion_KK.sum())
    rows = result.per_class
    assert [row.name for row in rows] == list(NAMES)
    np.testing.assert_allclose([row.iou for row in rows[:3]], iou)
    assert sum(row.share for row in rows) == pytest.approx(1)
    # "cat" is nowhere: not 0, not NaN, but nothing to measure.
    assert (rows[3].share, rows[3].iou, rows[3].boundary_iou) == (0, None, None)
    assert result.boundary_iou == pytest.approx(np.mean([row.boundary_iou for row in rows[:3]]))


class SureParser(BrightnessParser):
    """As sure as the last digit of the red value is large."""

    def parse(self, image_HWC, *, with_confidence=False, **arguments):
        parse = super().parse(image_HWC, **arguments)
        confidence = (image_HWC[..., 0] % 10 / 10).astype(np.float16) if with_confidence else None
        return replace(parse, confidence=confidence)


def test_reliability_is_counted_when_asked_for():
    samples = DrawnSamples(4)
    assert evaluate(SureParser(), samples).reliability_B3 is None
    result = evaluate(SureParser(), samples, with_confidence=True)
    expected = np.zeros((20, 3))
    for index in range(4):
        image, label = samples.arrays(index)
        for red, true in zip(image[..., 0].ravel().tolist(), label.ravel().tolist()):
            if true != 255:
                confidence = float(np.float16(red % 10 / 10))
                expected[int(confidence * 20)] += (1, red // 10 == true, confidence)
    np.testing.assert_array_equal(result.reliability_B3 / (1, 1, UNITS), expected)
    gap = np.abs(expected[:, 1] - expected[:, 2]).sum() / expected[:, 0].sum()
    assert result.expected_calibration_error == pytest.approx(gap)
    assert evaluate(SureParser(), samples).expected_calibration_error is None


def test_a_parser_without_confidences_is_refused_by_name():
    class Silent(SureParser):
        def parse(self, image_HWC, *, with_confidence=False, **arguments):
            return super().parse(image_HWC, **arguments)

    with pytest.raises(BadInput, match="image image 0: a parser must answer confidences, but got none for image 0"):
        evaluate(Silent(), DrawnSamples(1), with_confidence=True)


def test_a_watcher_sees_every_image_with_its_counts():
    seen = []
    result = evaluate(
        BrightnessParser(),
        DrawnSamples(3),
        watch=lambda sample, parse, counts_K3: seen.append((sample.name, parse.name, counts_K3)),
    )
    assert [(sample, parse) for sample, parse, _ in seen] == [(f"image {i}", f"image {i}") for i in range(3)]
    np.testing.assert_array_equal(np.stack([counts for _, _, counts in seen]), result.per_image_NK3)


def test_classes_by_frequency_and_the_weighted_mean():
    result = evaluate(BrightnessParser(), DrawnSamples(3))
    true_K = result.confusion_KK.sum(axis=1)
    assert sorted(true_K.tolist(), reverse=True) == [true_K[index] for index in result.classes_by_frequency]
    assert result.classes_by_frequency[-1] == 3, "a class that is nowhere comes last"
    expected = sum(row.share * (row.iou or 0) for row in result.per_class)
    assert result.frequency_weighted_iou == pytest.approx(expected)


def test_nothing_labelled_gives_none():
    class Unlabelled(DrawnSamples):
        def arrays(self, index):
            image, label = super().arrays(index)
            return image, np.full_like(label, 255)

    result = evaluate(SureParser(), Unlabelled(2), with_confidence=True)
    assert result.mean_iou is None and result.pixel_accuracy is None and result.boundary_iou is None
    assert result.frequency_weighted_iou is None and result.expected_calibration_error is None
    assert result.per_class[0].share is None


def test_conditions_are_added():
    result = evaluate(BrightnessParser(), DrawnSamples(1)).with_conditions(data="drawn").with_conditions(split="val")
    assert result.conditions == {"data": "drawn", "split": "val"}


def other_taxonomy(*names):
    return Taxonomy(name="other", objects=LabelTable(names=names))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("sky", "building", "road"), r"got 4 classes in the parser and 3 in the data \(only the parser knows cat\)"),
        (("sky", "building", "road", "dog"), "only the parser knows cat; only the data has dog"),
        (("building", "sky", "road", "cat"), "the same names in another order"),
        (tuple("abcdefgh"), "only the data has a, b, c, d, e and 3 more"),
    ],
)
def test_refuses_other_classes(names, message):
    with pytest.raises(BadInput, match=message):
        evaluate(BrightnessParser(), DrawnSamples(1, taxonomy=other_taxonomy(*names)))


def test_refuses_no_samples():
    with pytest.raises(BadInput, match="samples must hold at least one image, but got none"):
        evaluate(BrightnessParser(), DrawnSamples(0))


def test_refuses_a_sample_without_semantic_labels():
    class WithoutLabels(DrawnSamples):
        def __getitem__(self, index):
            return Sample(name="photograph 7", image_CHW=super().__getitem__(index).image_CHW)

    with pytest.raises(BadInput, match="every sample must have semantic labels, but got none in photograph 7"):
        evaluate(BrightnessParser(), WithoutLabels(1))


def test_refuses_a_parser_without_semantic_answer():
    with pytest.raises(BadInput, match="a parser must answer semantic classes, but got none for image 0"):
        evaluate(BrightnessParser(answers=False), DrawnSamples(1))


def test_a_wrong_answer_names_the_image():
    class AnswersIgnored(BrightnessParser):
        def parse(self, image_HWC, **arguments):
            # Parse itself would refuse these indices; a parser of another make may not.
            return SimpleNamespace(semantic=np.full(image_HWC.shape[:2], 255))

    with pytest.raises(BadInput, match="image image 0: predicted_HW must hold ids 0 to 3, but got 255"):
        evaluate(AnswersIgnored(), DrawnSamples(1))


def test_memory_does_not_grow_with_the_number_of_images():
    """From image 20 to 120, what stays is the counts of each image: here 4 x 3 numbers and a name."""
    held = []

    def remember(done, total):
        if done in (20, 120):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        parser = BrightnessParser()
        evaluate(parser, DrawnSamples(120, size=(60, 80)), progress=remember)
    finally:
        tracemalloc.stop()
    # One image and its maps take about 100 kB; a hundred of them would be 10 MB.
    assert held[1] - held[0] < 100_000
