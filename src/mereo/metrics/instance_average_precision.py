"""COCO's average precision of instances: AP, AP50, AP75, APS, APM, APL, for boxes and for masks.

Lin, Maire, Belongie, Hays, Perona, Ramanan, Dollar, Zitnick 2014, "Microsoft COCO: Common Objects in Context", and its
evaluation code: precision at 101 recalls, averaged over classes and the IoU thresholds .5, .55, ... .95; at most 100
answers an image; small, medium and large part at 32 x 32 and 96 x 96 pixels of the label's mask. faster-coco-eval does
the matching; it is imported when it is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mereo.data.instances import Instances
from mereo.errors import BadInput

# Where COCO's thresholds .5 and .75 stand among its ten.
IOU_50, IOU_75 = 0, 5
ALL_AREAS, SMALL, MEDIUM, LARGE = range(4)
MOST_ANSWERS = -1


@dataclass(frozen=True)
class AveragePrecision:
    """From 0 to 1, or None where no label is there to be found. `of_class` is the AP of each class."""

    ap: float | None
    ap_50: float | None
    ap_75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    of_class: tuple[float | None, ...]


@dataclass(frozen=True)
class InstanceScores:
    boxes: AveragePrecision
    masks: AveragePrecision


def instance_average_precision(
    predicted: Sequence[Instances], truth: Sequence[Instances], *, num_classes: int
) -> InstanceScores:
    """Answers and labels of the same images, one `Instances` an image each, at the labels' size."""
    if len(predicted) != len(truth) or not truth:
        raise BadInput(
            f"there must be answers and labels for the same images, but got {len(predicted)} and {len(truth)}; "
            "pass one `Instances` an image each."
        )
    for number, (answers, labels) in enumerate(zip(predicted, truth)):
        if answers.size != labels.size:
            raise BadInput(
                f"answers must have their label's size {labels.size}, but got {answers.size} at image {number}; "
                "bring the masks to the size of the photograph."
            )
        for instances in (answers, labels):
            if len(instances) and not 0 <= instances.label_N.min() <= instances.label_N.max() < num_classes:
                raise BadInput(
                    f"labels must be 0 to {num_classes - 1}, but got {int(instances.label_N.min())} to "
                    f"{int(instances.label_N.max())} at image {number}; count among the things."
                )
    return InstanceScores(
        boxes=_average_precision(predicted, truth, num_classes, "bbox"),
        masks=_average_precision(predicted, truth, num_classes, "segm"),
    )


def _average_precision(
    predicted: Sequence[Instances], truth: Sequence[Instances], num_classes: int, kind: str
) -> AveragePrecision:
    from faster_coco_eval import COCOeval_faster

    evaluation = COCOeval_faster(
        _as_coco(truth, num_classes, kind, are_answers=False),
        _as_coco(predicted, num_classes, kind, are_answers=True),
        kind,
    )
    evaluation.evaluate()
    evaluation.accumulate()
    # Thresholds, recalls, classes, areas, largest numbers of answers; -1 where a class has no label.
    precision = np.asarray(evaluation.eval["precision"])[..., MOST_ANSWERS]
    return AveragePrecision(
        ap=_mean(precision[:, :, :, ALL_AREAS]),
        ap_50=_mean(precision[IOU_50, :, :, ALL_AREAS]),
        ap_75=_mean(precision[IOU_75, :, :, ALL_AREAS]),
        ap_small=_mean(precision[:, :, :, SMALL]),
        ap_medium=_mean(precision[:, :, :, MEDIUM]),
        ap_large=_mean(precision[:, :, :, LARGE]),
        of_class=tuple(_mean(precision[:, :, index, ALL_AREAS]) for index in range(num_classes)),
    )


def _mean(precision: np.ndarray) -> float | None:
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else None


def _as_coco(images: Sequence[Instances], num_classes: int, kind: str, *, are_answers: bool) -> Any:
    """COCO counts classes, images and annotations from 1 here: its matching takes an id of 0 for "no match"."""
    from faster_coco_eval import COCO
    from faster_coco_eval.core import mask as coco_masks

    annotations: list[dict[str, Any]] = []
    for number, instances in enumerate(images, start=1):
        for index, runs in enumerate(instances.masks):
            left, top, right, bottom = (float(side) for side in instances.boxes_N4[index])
            annotation: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": int(instances.label_N[index]) + 1,
                "bbox": [left, top, right - left, bottom - top],
                # An answer's box counts by its own area; everything else by that of its mask.
                "area": (right - left) * (bottom - top) if are_answers and kind == "bbox" else runs.area,
                "iscrowd": 0,
            }
            if kind == "segm":
                runs_as_coco = {"size": list(runs.size), "counts": runs.counts.tolist()}
                annotation["segmentation"] = coco_masks.frPyObjects(runs_as_coco, *runs.size)
            if are_answers:
                annotation["score"] = float(instances.score_N[index])
            annotations.append(annotation)
    return COCO(
        {
            "images": [
                {"id": number, "height": one.size[0], "width": one.size[1]} for number, one in enumerate(images, 1)
            ],
            "categories": [{"id": index + 1, "name": str(index)} for index in range(num_classes)],
            "annotations": annotations,
        }
    )
