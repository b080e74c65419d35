"""Panoptic quality (Kirillov et al. 2019): how many segments are found, and how well they are drawn.

A true and a predicted segment match if they are of one class and their IoU is above 0.5, void pixels of the truth taken
out of the predicted segment. Segments do not overlap, so a segment has at most one match, and no order matters. Then

    PQ = sum of IoU / (TP + FP / 2 + FN / 2) = SQ * RQ,   SQ = sum of IoU / TP,   RQ = TP / (TP + FP / 2 + FN / 2)

of each class, over all images, and the mean over the classes that have any TP, FP or FN; the others have no value. A
crowd is neither matched nor missed. A predicted segment without a match is not counted if more than half of it lies on
void, or on crowds of its class.

Areas are counted, never read from a file: an area that is too small there is how others come to a PQ above 100 %.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mereo.data.panoptic_map import VOID, PanopticMap, PanopticSegment
from mereo.errors import BadInput
from mereo.metrics.confusion import mean_over_classes


@dataclass(frozen=True)
class QualityMeans:
    """Means over `num_classes` classes; NaN where there are none."""

    pq: float
    sq: float
    rq: float
    num_classes: int


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class PanopticCounts:
    """What panoptic quality needs of any number of images: add the counts of one image to those of another.

    >>> none = PanopticCounts.none(2)
    >>> one = PanopticCounts(np.array([3, 0]), np.array([1, 0]), np.array([1, 0]), np.array([2.4, 0.0]))
    >>> counts = sum([one, one], none)
    >>> counts.pq_K, counts.sq_K, counts.rq_K
    (array([0.6, nan]), array([0.8, nan]), array([0.75,  nan]))
    """

    true_positives_K: np.ndarray
    false_positives_K: np.ndarray
    false_negatives_K: np.ndarray
    iou_sum_K: np.ndarray

    @classmethod
    def none(cls, num_classes: int) -> "PanopticCounts":
        """Of no image."""
        zeros_K = np.zeros(num_classes, dtype=np.int64)
        return cls(zeros_K, zeros_K, zeros_K, np.zeros(num_classes))

    def __add__(self, other: "PanopticCounts") -> "PanopticCounts":
        if len(self.iou_sum_K) != len(other.iou_sum_K):
            raise BadInput(
                f"counts must be of one list of classes, but got {len(self.iou_sum_K)} and {len(other.iou_sum_K)} "
                "classes; count both with the same one."
            )
        return PanopticCounts(
            self.true_positives_K + other.true_positives_K,
            self.false_positives_K + other.false_positives_K,
            self.false_negatives_K + other.false_negatives_K,
            self.iou_sum_K + other.iou_sum_K,
        )

    @property
    def pq_K(self) -> np.ndarray:
        """PQ of each class, NaN for a class that is neither true nor predicted anywhere; likewise SQ and RQ."""
        return _divided(self.iou_sum_K, self._weight_K)

    @property
    def sq_K(self) -> np.ndarray:
        """0, not NaN, where segments were missed or made up but none was found: as the reference counts it."""
        found = np.divide(
            self.iou_sum_K, self.true_positives_K, out=np.zeros(len(self.iou_sum_K)), where=self.true_positives_K > 0
        )
        return np.where(self._weight_K > 0, found, np.nan)

    @property
    def rq_K(self) -> np.ndarray:
        return _divided(self.true_positives_K, self._weight_K)

    def quality(self, is_chosen_K: np.ndarray | None = None) -> QualityMeans:
        """Means over the chosen classes (left out: all) that have a value."""
        chosen = slice(None) if is_chosen_K is None else np.asarray(is_chosen_K, dtype=bool)
        pq, sq, rq = (float(mean_over_classes(values_K[chosen])) for values_K in (self.pq_K, self.sq_K, self.rq_K))
        return QualityMeans(pq, sq, rq, num_classes=int((self._weight_K[chosen] > 0).sum()))

    @property
    def _weight_K(self) -> np.ndarray:
        return self.true_positives_K + (self.false_positives_K + self.false_negatives_K) / 2


def panoptic_counts(true: PanopticMap, predicted: PanopticMap, *, num_classes: int) -> PanopticCounts:
    """Counts of one image. Whether a predicted segment calls itself a crowd changes nothing.

    >>> from mereo.data.panoptic_map import PanopticSegment
    >>> car, road = PanopticSegment(id=1, class_index=0), PanopticSegment(id=2, class_index=1)
    >>> true = PanopticMap(np.array([[1, 1, 1, 2]]), (car, road))
    >>> predicted = PanopticMap(np.array([[1, 1, 0, 0]]), (car,))
    >>> panoptic_counts(true, predicted, num_classes=2).pq_K
    array([0.66666667, 0.        ])
    """
    if true.size != predicted.size:
        (height, width), (other_height, other_width) = true.size, predicted.size
        raise BadInput(
            f"true and predicted maps must have one size, but got {width}x{height} in {true.name} and "
            f"{other_width}x{other_height} in {predicted.name}; compare maps of one image."
        )
    true.require_classes(num_classes)
    predicted.require_classes(num_classes)
    num_true, num_predicted = len(true.segments) + 1, len(predicted.segments) + 1
    t, p, shared = _shared_pixels(true.listed_positions(), predicted.listed_positions(), num_true, num_predicted)
    area_T, area_P = _sums(t, shared, num_true), _sums(p, shared, num_predicted)
    true.require_pixels(area_T)
    predicted.require_pixels(area_P)

    # Position 0 is void in both maps; as class it has an index that no segment has, and a different one on each side.
    true_class_T = np.array([-1, *(segment.class_index for segment in true.segments)])
    class_P = np.array([-2, *(segment.class_index for segment in predicted.segments)])
    is_crowd_T = np.array([False, *(segment.is_crowd for segment in true.segments)])
    is_void, is_of_one_class = t == VOID, true_class_T[t] == class_P[p]

    on_void_P = _sums(p[is_void], shared[is_void], num_predicted)
    union = area_T[t] + area_P[p] - on_void_P[p] - shared
    # Whole numbers: an IoU of exactly 0.5 is no match, whatever a division would round to.
    is_match = is_of_one_class & ~is_crowd_T[t] & (2 * shared > union)

    is_missed_T = ~is_crowd_T
    is_missed_T[[VOID, *t[is_match]]] = False
    is_on_crowd = is_of_one_class & is_crowd_T[t]
    ignored_P = on_void_P + _sums(p[is_on_crowd], shared[is_on_crowd], num_predicted)
    is_made_up_P = 2 * ignored_P <= area_P
    is_made_up_P[[VOID, *p[is_match]]] = False

    matched_class = class_P[p[is_match]]
    return PanopticCounts(
        true_positives_K=np.bincount(matched_class, minlength=num_classes),
        false_positives_K=np.bincount(class_P[is_made_up_P], minlength=num_classes),
        false_negatives_K=np.bincount(true_class_T[is_missed_T], minlength=num_classes),
        iou_sum_K=np.bincount(matched_class, weights=shared[is_match] / union[is_match], minlength=num_classes),
    )


class PanopticQuality:
    """Panoptic quality of images as they come. `things` and `stuff` are class ids of one's own numbering.

    >>> quality = PanopticQuality(things=[7], stuff=[20])
    >>> quality.update(np.array([[1, 1, 2, 2]]), np.array([[1, 1, 1, 2]]), {1: 7, 2: 20}, {1: 7, 2: 20})
    >>> round(quality.pq, 3), round(quality.pq_things, 3), quality.pq_stuff
    (0.333, 0.667, 0.0)
    """

    def __init__(self, things: Sequence[int], stuff: Sequence[int]) -> None:
        classes = [*things, *stuff]
        if not classes or len(set(classes)) != len(classes):
            raise BadInput(f"things and stuff must be different class ids, but got {classes!r:.200}; name each once.")
        self.index_of = {class_id: index for index, class_id in enumerate(classes)}
        self.is_thing_K = np.arange(len(classes)) < len(things)
        self.counts = PanopticCounts.none(len(classes))

    def update(
        self,
        prediction_HW: np.ndarray,
        truth_HW: np.ndarray,
        prediction_classes: Mapping[int, int],
        truth_classes: Mapping[int, int],
        *,
        crowd: Collection[int] = (),
    ) -> None:
        """One image: maps of segment ids (0 is void), and the class of each id. `crowd`: ids of the truth."""
        true = self._panoptic(truth_HW, truth_classes, crowd, name="the truth")
        predicted = self._panoptic(prediction_HW, prediction_classes, (), name="the prediction")
        self.counts += panoptic_counts(true, predicted, num_classes=len(self.index_of))

    @property
    def pq(self) -> float:
        return self.counts.quality().pq

    @property
    def sq(self) -> float:
        return self.counts.quality().sq

    @property
    def rq(self) -> float:
        return self.counts.quality().rq

    @property
    def pq_things(self) -> float:
        return self.counts.quality(self.is_thing_K).pq

    @property
    def pq_stuff(self) -> float:
        return self.counts.quality(~self.is_thing_K).pq

    @property
    def per_class(self) -> dict[int, QualityMeans]:
        """By class id; NaN for a class that nobody has."""
        chosen = np.eye(len(self.index_of), dtype=bool)
        return {class_id: self.counts.quality(chosen[index]) for class_id, index in self.index_of.items()}

    def _panoptic(
        self, ids_HW: np.ndarray, class_of: Mapping[int, int], crowd: Collection[int], *, name: str
    ) -> PanopticMap:
        unknown = sorted(set(class_of.values()) - set(self.index_of))
        if unknown:
            raise BadInput(f"classes must be things or stuff, but got {unknown!r:.200} in {name}; name them, too.")
        present = set(np.unique(ids_HW).tolist())
        segments = [
            PanopticSegment(int(number), self.index_of[class_id], is_crowd=number in crowd)
            for number, class_id in class_of.items()
            if number in present
        ]
        return PanopticMap(np.asarray(ids_HW), tuple(segments), name=name)


def panoptic_quality(
    prediction_HW: np.ndarray,
    truth_HW: np.ndarray,
    prediction_classes: Mapping[int, int],
    truth_classes: Mapping[int, int],
    things: Sequence[int],
    stuff: Sequence[int],
    *,
    crowd: Collection[int] = (),
) -> PanopticQuality:
    """Of one image: fractions, not percent. A segment of a class list that has no pixel counts for nothing."""
    quality = PanopticQuality(things, stuff)
    quality.update(prediction_HW, truth_HW, prediction_classes, truth_classes, crowd=crowd)
    return quality


def _shared_pixels(
    true_HW: np.ndarray, predicted_HW: np.ndarray, num_true: int, num_predicted: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of positions that share pixels: true position, predicted position, how many pixels."""
    pair_HW = true_HW.astype(np.intp)
    pair_HW *= num_predicted
    pair_HW += predicted_HW
    num_pairs = num_true * num_predicted
    if num_pairs <= max(pair_HW.size, 1 << 16):
        counts = np.bincount(pair_HW.ravel(), minlength=num_pairs)
        pairs = np.flatnonzero(counts)
        shared = counts[pairs]
    else:  # So many segments that a table of all pairs would be larger than the image.
        pairs, shared = np.unique(pair_HW, return_counts=True)
    true_position, predicted_position = np.divmod(pairs, num_predicted)
    return true_position, predicted_position, shared.astype(np.int64, copy=False)


def _sums(position: np.ndarray, pixels: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers (bincount with weights would give floats)."""
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, position, pixels)
    return sums


def _divided(part_K: np.ndarray, whole_K: np.ndarray) -> np.ndarray:
    return np.divide(part_K, whole_K, out=np.full(len(whole_K), np.nan), where=whole_K > 0)
