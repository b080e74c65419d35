"""An evaluation on disk: exact round trip, readable files, and refusals of what was changed or cut."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadEnvironment, BadInput
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import EVALUATION_FILE, PER_IMAGE_FILE, read_evaluation, write_evaluation
from mereo.metrics.calibration import UNITS
from mereo.metrics.confusion import region_counts


def made_evaluation(*, num_images=4, class_names=("sky", "road", "cat"), image_names=None, seed=0, is_reliable=False):
    generator = np.random.default_rng(seed)
    confusions_NKK = generator.integers(0, 1000, (num_images, len(class_names), len(class_names)))
    confusions_NKK[:, -1, :] = confusions_NKK[:, :, -1] = 0  # The last class is nowhere.
    per_image_NK3 = np.stack([region_counts(confusion_KK) for confusion_KK in confusions_NKK]).astype(np.int32)
    return Evaluation(
        class_names=class_names,
        image_names=tuple(image_names or [f"image_{index}" for index in range(num_images)]),
        confusion_KK=confusions_NKK.sum(axis=0),
        boundary_K3=per_image_NK3.sum(axis=0, dtype=np.int64) // 3,
        per_image_NK3=per_image_NK3,
        seconds=1.5 + 1 / 3,
        scales=(0.75, 1.0),
        flip=True,
        conditions={"data": "camvid", "split": "val", "working_side": None},
        reliability_B3=made_reliability(confusions_NKK.sum(axis=0), generator) if is_reliable else None,
    )


def made_reliability(confusion_KK, generator):
    """As many pixels, and as many right ones, as the confusion matrix has."""
    total, right = int(confusion_KK.sum()), int(np.trace(confusion_KK))
    share_B = generator.dirichlet(np.ones(20))
    counts_B3 = np.zeros((20, 3), dtype=np.int64)
    counts_B3[:, 1] = generator.multinomial(right, share_B)
    counts_B3[:, 0] = counts_B3[:, 1] + generator.multinomial(total - right, share_B)
    counts_B3[:, 2] = counts_B3[:, 0] * (np.arange(20) * 2 + 1) * (UNITS // 40)
    return counts_B3


def assert_same(one, other):
    for name in ("class_names", "image_names", "seconds", "scales", "flip", "conditions"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("confusion_KK", "boundary_K3", "per_image_NK3"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    if other.reliability_B3 is None:
        assert one.reliability_B3 is None
    else:
        np.testing.assert_array_equal(one.reliability_B3, other.reliability_B3)
        assert one.reliability_B3.dtype == other.reliability_B3.dtype


def test_round_trip_and_readable_files(tmp_path):
    evaluation = made_evaluation()
    write_evaluation(evaluation, tmp_path / "a new folder")
    assert_same(read_evaluation(tmp_path / "a new folder"), evaluation)
    text = (tmp_path / "a new folder" / EVALUATION_FILE).read_text()
    content = json.loads(text)
    assert content["mean_iou"] == evaluation.mean_iou
    assert content["classes"][2] == {"name": "cat", "share": 0.0, "iou": None, "boundary_iou": None}
    assert len(text.splitlines()) < 40  # A row of the matrix is one line.
    lines = (tmp_path / "a new folder" / PER_IMAGE_FILE).read_text().splitlines()
    assert lines[0].startswith('"image","sky: intersection","sky: truth","sky: predicted","road: intersection"')
    assert lines[1].split(",")[0] == '"image_0"' and all(value.isdigit() for value in lines[1].split(",")[1:])


def test_calibration_travels_with_the_evaluation(tmp_path):
    evaluation = made_evaluation(is_reliable=True)
    write_evaluation(evaluation, tmp_path)
    assert_same(read_evaluation(tmp_path), evaluation)
    content = json.loads((tmp_path / EVALUATION_FILE).read_text())
    assert content["expected_calibration_error"] == evaluation.expected_calibration_error
    assert content["frequency_weighted_iou"] == evaluation.frequency_weighted_iou
    assert len(content["reliability_counts"]) == 20


def test_an_evaluation_of_an_older_version_can_be_read(tmp_path):
    """Written before these measures existed: no frequency-weighted IoU, no calibration."""
    evaluation = made_evaluation()
    write_evaluation(evaluation, tmp_path)
    path = tmp_path / EVALUATION_FILE
    content = json.loads(path.read_text())
    assert "expected_calibration_error" not in content and "reliability_counts" not in content
    del content["frequency_weighted_iou"]
    path.write_text(json.dumps(content))
    old = read_evaluation(tmp_path)
    assert_same(old, evaluation)
    assert old.frequency_weighted_iou == evaluation.frequency_weighted_iou, "it follows from the counts"


printable = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(
    st.lists(printable, min_size=1, max_size=4, unique=True), st.lists(printable, min_size=2, max_size=4, unique=True)
)
@settings(max_examples=40, deadline=None)
def test_any_name_survives(tmp_path_factory, image_names, class_names):
    folder = tmp_path_factory.mktemp("names")
    evaluation = made_evaluation(num_images=len(image_names), image_names=image_names, class_names=tuple(class_names))
    write_evaluation(evaluation, folder)
    assert_same(read_evaluation(folder), evaluation)


def test_a_file_name_that_is_not_utf8_survives(tmp_path):
    evaluation = made_evaluation(num_images=1, image_names=["caf\udce9"])
    write_evaluation(evaluation, tmp_path)
    assert_same(read_evaluation(tmp_path), evaluation)


def test_an_evaluation_without_labelled_pixels(tmp_path):
    evaluation = made_evaluation(class_names=("nothing",))
    assert evaluation.mean_iou is None
    write_evaluation(evaluation, tmp_path)
    assert_same(read_evaluation(tmp_path), evaluation)


def test_writing_again_replaces_and_leaves_no_temporary_file(tmp_path):
    write_evaluation(made_evaluation(seed=0), tmp_path)
    write_evaluation(made_evaluation(seed=1), tmp_path)
    assert_same(read_evaluation(tmp_path), made_evaluation(seed=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [EVALUATION_FILE, PER_IMAGE_FILE]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadEnvironment, match="must be writable"):
        write_evaluation(made_evaluation(), tmp_path / "file")


def changed_json(folder, **changes):
    path = folder / EVALUATION_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean_iou": 0.99}, r"mean_iou must follow from the counts \(0\.\d+\), but got 0.99 in .*evaluation.json"),
        ({"boundary_iou": None}, "boundary_iou must follow from the counts"),
        (
            {"frequency_weighted_iou": 0.5},
            r"frequency_weighted_iou must follow from the counts \(0\.\d+\), but got 0.5",
        ),
        ({"frequency_weighted_iou": None}, "frequency_weighted_iou must follow from the counts"),
        ({"expected_calibration_error": 0.5}, "expected_calibration_error must follow from the counts"),
        (
            {"reliability_counts": [[1, 1, 1]]},
            r"reliability_counts must hold the pixels of the confusion matrix \(all, ",
        ),
        ({"reliability_counts": []}, "reliability_counts: List should have at least 1 item"),
        ({"num_images": 5}, r"num_images must follow from the counts \(4\), but got 5"),
        ({"format": 2}, "evaluation.json must be valid, but got: format: "),
        ({"mean_iuo": 1}, "did you mean 'mean_iou'"),
        ({"confusion": [[1, 2], [3, 4]]}, "counts must be 3 x 3 and 3 x 3, but got others"),
        ({"confusion": [[-1] * 3] * 3}, "confusion.0.0: Input should be greater than or equal to 0"),
        ({"boundary_counts": []}, "counts must be 3 x 3 and 3 x 3, but got others"),
    ],
)
def test_refuses_changed_measures(tmp_path, changes, message):
    write_evaluation(made_evaluation(is_reliable="expected_calibration_error" in changes), tmp_path)
    changed_json(tmp_path, **changes)
    with pytest.raises(BadInput, match=message):
        read_evaluation(tmp_path)


def test_refuses_a_changed_class_row(tmp_path):
    write_evaluation(made_evaluation(), tmp_path)
    classes = json.loads((tmp_path / EVALUATION_FILE).read_text())["classes"]
    classes[0]["iou"] = 0.9
    changed_json(tmp_path, classes=classes)
    with pytest.raises(BadInput, match=r"iou of sky must follow from the counts \(0\.\d+\), but got 0.9"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("sky", "sea"),
            "first line must name the classes of evaluation.json, but got others",
        ),
        (lambda text: "", "first line must name the classes"),
        (lambda text: text.splitlines()[0] + "\n", "must have a row an image, but got none"),
        (lambda text: text[:-12], r"a row must have 10 values, but got \d in .*per_image.csv, line 5"),
        (lambda text: text.replace('"image_2",', '"image_2",x'), "counts must be whole numbers, but got: "),
        (lambda text: text.replace('"image_2",', '"image_2",1'), "per_image.csv must add up to the confusion matrix"),
        (lambda text: text.replace('"image_2",', '"image_2",99999999999'), "counts must be whole numbers, but got: "),
    ],
)
def test_refuses_changed_counts(tmp_path, change, message):
    write_evaluation(made_evaluation(), tmp_path)
    path = tmp_path / PER_IMAGE_FILE
    path.write_text(change(path.read_text()))
    with pytest.raises(BadInput, match=message):
        read_evaluation(tmp_path)


def test_refuses_missing_and_broken_files(tmp_path):
    with pytest.raises(BadInput, match="evaluation.json must be readable JSON, .*No such file.*; run `mereo evaluate`"):
        read_evaluation(tmp_path)
    write_evaluation(made_evaluation(), tmp_path)
    (tmp_path / PER_IMAGE_FILE).unlink()
    with pytest.raises(BadInput, match="per_image.csv must be readable, but got No such file"):
        read_evaluation(tmp_path)
    (tmp_path / EVALUATION_FILE).write_text("{")
    with pytest.raises(BadInput, match="evaluation.json must be readable JSON, but got: "):
        read_evaluation(tmp_path)
