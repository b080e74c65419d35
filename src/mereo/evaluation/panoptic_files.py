"""Panoptic quality of a folder of answers against a folder of labels, both in COCO's panoptic format."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mereo.data.component_instances import InstanceSource
from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps
from mereo.errors import BadInput
from mereo.evaluation.measures_file import or_none
from mereo.metrics.panoptic_quality import PanopticCounts, QualityMeans, panoptic_counts

MatchedBy = Literal["image_id", "file_name"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PanopticClassRow:
    """One class; None is "n/a": nothing to measure. `segments` counts the true ones, crowds left out."""

    name: str
    is_thing: bool
    segments: int
    pq: float | None
    sq: float | None
    rq: float | None


@dataclass(frozen=True)
class PanopticEvaluation:
    """Counts over all images, and the measures as properties. Fractions, not percent.

    Of a parser on samples: `instances` says what the true things are, `conditions` what a reader must know besides.
    """

    class_names: tuple[str, ...]
    is_thing: tuple[bool, ...]
    counts: PanopticCounts
    num_images: int
    seconds: float
    instances: InstanceSource | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def all(self) -> QualityMeans:
        return self.counts.quality()

    @property
    def things(self) -> QualityMeans:
        return self.counts.quality(np.array(self.is_thing, dtype=bool))

    @property
    def stuff(self) -> QualityMeans:
        return self.counts.quality(~np.array(self.is_thing, dtype=bool))

    @property
    def per_class(self) -> tuple[PanopticClassRow, ...]:
        """In index order."""
        counts = self.counts
        segments_K = counts.true_positives_K + counts.false_negatives_K
        columns = zip(counts.pq_K, counts.sq_K, counts.rq_K, strict=True)
        return tuple(
            PanopticClassRow(name, is_thing, int(segments), *(or_none(value) for value in values))
            for name, is_thing, segments, values in zip(
                self.class_names, self.is_thing, segments_K, columns, strict=True
            )
        )

    @property
    def by_frequency(self) -> tuple[PanopticClassRow, ...]:
        """The class with the most true segments first."""
        return tuple(sorted(self.per_class, key=lambda row: -row.segments))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the counts are there too, so that results of several parts can be added up."""
        counts = self.counts
        columns = (counts.true_positives_K, counts.false_positives_K, counts.false_negatives_K, counts.iou_sum_K)
        names = ("true_positives", "false_positives", "false_negatives", "iou_sum")
        return {
            "num_images": self.num_images,
            "seconds": round(self.seconds, 3),
            **({} if self.instances is None else {"instances": self.instances, "conditions": dict(self.conditions)}),
            **{name: _described(getattr(self, name)) for name in ("all", "things", "stuff")},
            "classes": [
                {**vars(row), **dict(zip(names, (column[index].item() for column in columns)))}
                for index, row in enumerate(self.per_class)
            ],
        }


def panoptic_quality_of_files(
    true_json: str | Path,
    true_folder: str | Path,
    predicted_json: str | Path,
    predicted_folder: str | Path,
    *,
    by: MatchedBy = "image_id",
    progress: Progress = lambda done, total: None,
) -> PanopticEvaluation:
    """Every labelled image must be answered; answers for other images are left out.

    Images are matched by their `image_id`, as COCO does it, or by the names of the PNGs.
    """
    started = time.perf_counter()
    true = CocoPanopticMaps(true_json, segments=true_folder)
    predicted = CocoPanopticMaps(predicted_json, segments=predicted_folder, labels=true)
    pairs = _matched(true, predicted, by=by)
    counts = PanopticCounts.none(true.taxonomy.num_objects)
    for done, (true_index, predicted_index) in enumerate(pairs):
        progress(done, len(pairs))
        counts += panoptic_counts(true[true_index], predicted[predicted_index], num_classes=true.taxonomy.num_objects)
    progress(len(pairs), len(pairs))
    return PanopticEvaluation(
        class_names=true.taxonomy.objects.names,
        is_thing=true.taxonomy.is_thing,
        counts=counts,
        num_images=len(pairs),
        seconds=time.perf_counter() - started,
    )


def _matched(true: CocoPanopticMaps, predicted: CocoPanopticMaps, *, by: MatchedBy) -> list[tuple[int, int]]:
    """Indices of the two maps of each labelled image."""
    true_keys, predicted_keys = ((maps.image_ids if by == "image_id" else maps.names) for maps in (true, predicted))
    for maps, keys in ((true, true_keys), (predicted, predicted_keys)):
        if len(set(keys)) < len(keys):
            twice = next(key for number, key in enumerate(keys) if key in keys[:number])
            raise BadInput(
                f"{by} must be one for each image, but got {twice!r} twice in {maps.annotations}; rename one."
            )
    index_of_key = {key: index for index, key in enumerate(predicted_keys)}
    missing = [key for key in true_keys if key not in index_of_key]
    if missing:
        other = "file_name" if by == "image_id" else "image_id"
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise BadInput(
            f"every labelled image must be answered, but got no answer for {', '.join(map(repr, missing[:5]))}{more} "
            f"({by}) in {predicted.annotations}; answer them, or match by {other}."
        )
    return [(index, index_of_key[key]) for index, key in enumerate(true_keys)]


def _described(quality: QualityMeans) -> dict[str, Any]:
    measures = {name: or_none(getattr(quality, name)) for name in ("pq", "sq", "rq")}
    return {**measures, "num_classes": quality.num_classes}
