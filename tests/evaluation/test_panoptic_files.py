"""Panoptic quality from files: the same as from arrays; which image belongs to which; what is wrong is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.panoptic_files import panoptic_quality_of_files
from mereo.metrics.panoptic_quality import PanopticCounts, panoptic_counts

STREET = Taxonomy(
    "street", LabelTable(("sky", "car", "cat", "road"), {2: 0, 3: 1, 5: 2, 7: 3}), (False, True, True, False)
)


def random_map(random: np.random.Generator, like: PanopticMap | None = None) -> PanopticMap:
    """Blocks of classes 0 to 2, never 3; an answer has the same, moved a little, and one with another class."""
    numbers = random.choice(2**24 - 1, 6, replace=False) + 1
    if like is None:
        position_HW = np.kron(random.integers(0, 7, (3, 4)), np.ones((4, 4), int))
        classes = random.integers(0, 3, 6)
    else:
        position_HW = np.roll(like.positions().astype(int), random.integers(0, 2, 2), axis=(0, 1))
        classes = [segment.class_index for segment in like.segments]
        classes[0] = (classes[0] + 1) % 3
    present = [position for position in range(1, len(classes) + 1) if (position_HW == position).any()]
    segments = (PanopticSegment(int(numbers[one - 1]), int(classes[one - 1])) for one in present)
    return PanopticMap(np.array([0, *numbers])[position_HW], tuple(segments))


def write(path: Path, maps: dict[str, PanopticMap], taxonomy: Taxonomy = STREET) -> tuple[Path, Path]:
    with PanopticWriter(path, taxonomy) as writer:
        for stem, panoptic in maps.items():
            writer.add(panoptic, stem=stem, file_name=f"{stem}.jpg")
    return path, path.with_suffix("")


@pytest.fixture
def pairs() -> dict[str, tuple[PanopticMap, PanopticMap]]:
    random = np.random.default_rng(0)
    pairs = {}
    for stem in ("a", "b", "c"):
        true = random_map(random)
        pairs[stem] = true, random_map(random, like=true)
    return pairs


@pytest.fixture
def written(pairs, tmp_path):
    labels = write(tmp_path / "labels.json", {stem: pair[0] for stem, pair in pairs.items()})
    # In another order, and one image more than was labelled.
    answered = {stem: pairs[stem][1] for stem in ("c", "a", "b")} | {"0": pairs["a"][0]}
    return *labels, *write(tmp_path / "answers.json", answered)


def test_equals_the_counts_of_the_arrays(pairs, written):
    steps = []
    evaluation = panoptic_quality_of_files(*written, progress=lambda *step: steps.append(step))
    counts = sum((panoptic_counts(*pair, num_classes=4) for pair in pairs.values()), PanopticCounts.none(4))
    assert counts.true_positives_K.sum() > 0 and counts.false_positives_K.sum() > 0
    for name in ("true_positives_K", "false_positives_K", "false_negatives_K"):
        np.testing.assert_array_equal(getattr(evaluation.counts, name), getattr(counts, name))
    np.testing.assert_allclose(evaluation.counts.iou_sum_K, counts.iou_sum_K, atol=1e-12)
    assert evaluation.num_images == 3 and steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert evaluation.all == counts.quality()
    assert evaluation.things == counts.quality(np.array([False, True, True, False]))
    assert evaluation.stuff.num_classes == 1 and evaluation.all.num_classes == 3


def test_rows(written):
    evaluation = panoptic_quality_of_files(*written)
    counts = evaluation.counts
    rows = evaluation.by_frequency
    assert [row.segments for row in rows] == sorted((row.segments for row in rows), reverse=True)
    road = rows[-1]
    assert (road.name, road.is_thing, road.segments, road.pq, road.sq, road.rq) == ("road", False, 0, None, None, None)
    car = evaluation.per_class[1]
    assert (car.name, car.is_thing, car.pq) == ("car", True, counts.pq_K[1])
    assert car.segments == counts.true_positives_K[1] + counts.false_negatives_K[1]


def test_plain_values_for_json(written):
    evaluation = panoptic_quality_of_files(*written)
    content = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert content["all"]["pq"] == evaluation.all.pq and content["things"]["num_classes"] == 2
    assert content["classes"][3]["pq"] is None and content["classes"][3]["false_negatives"] == 0
    car = content["classes"][1]
    weight = car["true_positives"] + car["false_positives"] / 2 + car["false_negatives"] / 2
    assert car["pq"] == pytest.approx(car["iou_sum"] / weight)


def test_images_are_matched_by_number_or_by_name(pairs, written, tmp_path):
    content = json.loads(written[2].read_text(encoding="utf-8"))
    for number, (image, annotation) in enumerate(zip(content["images"], content["annotations"], strict=True)):
        image["id"] = annotation["image_id"] = number
    written[2].write_text(json.dumps(content))
    with pytest.raises(
        BadInput, match=r"no answer for 'a', 'b', 'c' \(image_id\) in .*answers.json; .* match by file_name"
    ):
        panoptic_quality_of_files(*written)
    by_name = panoptic_quality_of_files(*written, by="file_name")
    counts = sum((panoptic_counts(*pair, num_classes=4) for pair in pairs.values()), PanopticCounts.none(4))
    assert by_name.all.pq == pytest.approx(counts.quality().pq, abs=1e-12)


def test_missing_answers_are_named(tmp_path):
    random = np.random.default_rng(1)
    maps = {f"{number:012d}": random_map(random) for number in range(9)}
    labels = write(tmp_path / "labels.json", maps)
    answers = write(tmp_path / "answers.json", dict(list(maps.items())[:1]))
    with pytest.raises(
        BadInput, match=r"must be answered, but got no answer for 1, 2, 3, 4, 5 and 3 more \(image_id\)"
    ):
        panoptic_quality_of_files(*labels, *answers)


def test_names_that_occur_twice(pairs, tmp_path):
    labels = write(tmp_path / "labels.json", {"a": pairs["a"][0], "b": pairs["b"][0]})
    content = json.loads(labels[0].read_text(encoding="utf-8"))
    (labels[1] / "deep").mkdir()
    (labels[1] / "b.png").rename(labels[1] / "deep" / "a.png")
    content["annotations"][1]["file_name"] = "deep/a.png"
    labels[0].write_text(json.dumps(content))
    with pytest.raises(BadInput, match="file_name must be one for each image, but got 'a' twice in .*labels.json"):
        panoptic_quality_of_files(*labels, *labels, by="file_name")
    assert panoptic_quality_of_files(*labels, *labels).all.pq == 1


def test_what_does_not_fit_is_named_with_its_file(pairs, written):
    whole = (written[2].parent / "answers" / "b.png").read_bytes()
    other = PanopticMap(np.ones((2, 3), int), tuple(PanopticSegment(1, 0) for _ in range(1)))
    write(written[2], {"a": pairs["a"][1], "b": other, "c": pairs["c"][1]})
    with pytest.raises(BadInput, match=r"one size, but got 16x12 in .*labels.b.png .*and 3x2 in .*answers.b.png"):
        panoptic_quality_of_files(*written)
    (written[3] / "b.png").write_bytes(whole)
    with pytest.raises(BadInput, match="listed among its segments, but got id .* in .*b.png .*answers.json"):
        panoptic_quality_of_files(*written)
    (written[3] / "b.png").write_bytes(b"")
    with pytest.raises(BadInput, match="but got an empty file in .*b.png"):
        panoptic_quality_of_files(*written)


def test_the_real_example_against_itself(shared_folder):
    root = shared_folder / "data" / "coco_panoptic"
    files = root / "panoptic_examples.json", root / "panoptic_examples"
    evaluation = panoptic_quality_of_files(*files, *files)
    assert evaluation.all.pq == evaluation.things.sq == evaluation.stuff.rq == 1
    assert evaluation.all.num_classes == evaluation.things.num_classes + evaluation.stuff.num_classes == 8
    assert evaluation.by_frequency[0].name == "person" and evaluation.num_images == 2
