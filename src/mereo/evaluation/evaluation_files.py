"""An Evaluation on disk: `evaluation.json` (measures, counts, conditions) and `per_image.csv` (one row an image).

The counts are the truth. Measures are written for readers and checked on reading, so no number can be changed by hand.
"""

import csv
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mereo.atomic_files import atomic_path, write_text
from mereo.errors import BadInput
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.measures_file import agree, one_line_an_entry, read_json
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

EVALUATION_FILE = "evaluation.json"
PER_IMAGE_FILE = "per_image.csv"
MEASURES = {
    "mean_iou",
    "frequency_weighted_iou",
    "pixel_accuracy",
    "boundary_iou",
    "expected_calibration_error",
    "num_images",
}
COUNT_NAMES = ("intersection", "truth", "predicted")
_Count = Annotated[int, Field(ge=0, lt=2**62)]


class _ClassFile(StrictConfig):
    name: str
    share: float | None
    iou: float | None
    boundary_iou: float | None


class _EvaluationFile(StrictConfig):
    format: Literal[1]
    mean_iou: float | None
    # Keys with a default: evaluations written before they were measured lack them, and can still be read.
    frequency_weighted_iou: float | None = None
    pixel_accuracy: float | None
    boundary_iou: float | None
    expected_calibration_error: float | None = None
    num_images: int
    seconds: float
    scales: tuple[float, ...]
    flip: bool
    conditions: dict[str, Any]
    classes: list[_ClassFile]
    boundary_counts: list[tuple[_Count, _Count, _Count]]
    confusion: list[list[_Count]]
    reliability_counts: list[tuple[_Count, _Count, _Count]] | None = Field(None, min_length=1)


def write_evaluation(evaluation: Evaluation, folder: str | Path) -> None:
    """Both files, each old or new, never half. The JSON comes last: where it is, the CSV beside it is whole."""
    _write_per_image(evaluation, Path(folder) / PER_IMAGE_FILE)
    content = {
        "format": 1,
        "mean_iou": evaluation.mean_iou,
        "frequency_weighted_iou": evaluation.frequency_weighted_iou,
        "pixel_accuracy": evaluation.pixel_accuracy,
        "boundary_iou": evaluation.boundary_iou,
        "expected_calibration_error": evaluation.expected_calibration_error,
        "num_images": evaluation.num_images,
        "seconds": evaluation.seconds,
        "scales": list(evaluation.scales),
        "flip": evaluation.flip,
        "conditions": dict(evaluation.conditions),
        "classes": [vars(row) for row in evaluation.per_class],
        "boundary_counts": evaluation.boundary_K3.tolist(),
        "confusion": evaluation.confusion_KK.tolist(),
    }
    if evaluation.reliability_B3 is None:
        del content["expected_calibration_error"]
    else:
        content["reliability_counts"] = evaluation.reliability_B3.tolist()
    write_text(Path(folder) / EVALUATION_FILE, one_line_an_entry(content, has_line_a_row=True))


def read_evaluation(folder: str | Path) -> Evaluation:
    """Exactly what was written, or an error that names the file."""
    path = Path(folder) / EVALUATION_FILE
    stored = validated(_EvaluationFile, read_json(path, advice="run `mereo evaluate`"), source=str(path))
    class_names = tuple(row.name for row in stored.classes)
    names, per_image_NK3 = _read_per_image(Path(folder) / PER_IMAGE_FILE, class_names)
    if {len(row) for row in stored.confusion} != {len(class_names)} or not (
        len(class_names) == len(stored.confusion) == len(stored.boundary_counts)
    ):
        raise BadInput(
            f"counts must be {len(class_names)} x {len(class_names)} and {len(class_names)} x 3, "
            f"but got others in {path}; evaluate again."
        )
    evaluation = Evaluation(
        class_names=class_names,
        image_names=names,
        confusion_KK=np.array(stored.confusion, dtype=np.int64),
        boundary_K3=np.array(stored.boundary_counts, dtype=np.int64),
        per_image_NK3=per_image_NK3,
        seconds=stored.seconds,
        scales=stored.scales,
        flip=stored.flip,
        conditions=stored.conditions,
        reliability_B3=None if stored.reliability_counts is None else np.array(stored.reliability_counts, np.int64),
    )
    _require_agreement(stored, evaluation, path)
    return evaluation


def _require_agreement(stored: _EvaluationFile, evaluation: Evaluation, path: Path) -> None:
    for name in sorted(MEASURES & stored.model_fields_set):
        written, counted = getattr(stored, name), getattr(evaluation, name)
        if not agree(written, counted):
            raise BadInput(
                f"{name} must follow from the counts ({counted}), but got {written} in {path}; evaluate again."
            )
    for row, counted_row in zip(stored.classes, evaluation.per_class):
        if not agree(row.iou, counted_row.iou):
            raise BadInput(
                f"iou of {row.name} must follow from the counts ({counted_row.iou}), but got {row.iou} in {path}; "
                "evaluate again."
            )
    if evaluation.reliability_B3 is not None:
        pixels, right, _ = evaluation.reliability_B3.sum(axis=0).tolist()
        counted = (int(evaluation.confusion_KK.sum()), int(np.trace(evaluation.confusion_KK)))
        if (pixels, right) != counted:
            raise BadInput(
                f"reliability_counts must hold the pixels of the confusion matrix (all, right: {counted}), "
                f"but got {(pixels, right)} in {path}; evaluate again."
            )
    summed_K3 = evaluation.per_image_NK3.sum(axis=0, dtype=np.int64)
    if not np.array_equal(summed_K3, evaluation.region_counts_K3):
        raise BadInput(
            f"{PER_IMAGE_FILE} must add up to the confusion matrix, but got other sums in {path.parent}; "
            "evaluate again."
        )


def _write_per_image(evaluation: Evaluation, path: Path) -> None:
    # surrogateescape keeps the names of files that are not valid UTF-8.
    with (
        atomic_path(path) as temporary,
        open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(_header(evaluation.class_names))
        for name, counts_K3 in zip(evaluation.image_names, evaluation.per_image_NK3, strict=True):
            writer.writerow([name, *counts_K3.ravel().tolist()])


def _read_per_image(path: Path, class_names: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    names: list[str] = []
    counts: list[np.ndarray] = []
    header = _header(class_names)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file)
            if next(reader, None) != header:
                raise BadInput(
                    f"the first line must name the classes of {EVALUATION_FILE}, but got others in {path}; "
                    "evaluate again."
                )
            for row in reader:
                if len(row) != len(header):
                    raise BadInput(
                        f"a row must have {len(header)} values, but got {len(row)} in {path}, line {reader.line_num}; "
                        "evaluate again."
                    )
                names.append(row[0])
                counts.append(np.array(row[1:], dtype=np.int32).reshape(-1, 3))
    except OSError as error:
        raise BadInput(
            f"{path} must be readable, but got {error.strerror or error}; run `mereo evaluate` first."
        ) from error
    except (ValueError, OverflowError, csv.Error) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"counts must be whole numbers, but got: {error} in {path}; evaluate again.") from error
    if not names:
        raise BadInput(f"{path} must have a row an image, but got none; evaluate again.")
    return tuple(names), np.stack(counts)


def _header(class_names: tuple[str, ...]) -> list[str]:
    return ["image", *(f"{name}: {count}" for name in class_names for count in COUNT_NAMES)]
