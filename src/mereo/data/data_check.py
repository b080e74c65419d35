"""What `mereo data check` finds: pairs, sizes, which raw ids occur how often, what is ignored, what is wrong."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mereo.data.joined_samples import only_source
from mereo.data.label_reading import RawLabel
from mereo.data.pictures.turned_pictures import is_turned_alone
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

MAX_PROBLEMS = 20
FIELD_OF_TABLE = {
    "objects": "semantic_HW",
    "parts": "parts_HW",
    "materials": "material_HW",
    "textures": "texture_HW",
}


@dataclass(frozen=True)
class IdRow:
    """One raw id of a label table. `name` is None where the table does not know the id."""

    raw: int
    shown_id: str
    name: str | None
    is_ignored: bool
    pixels: int
    share: float


@dataclass
class SplitReport:
    """Counts of one split; grows while the split is read."""

    split: str
    taxonomy: Taxonomy | None = None
    num_samples: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    pixels_of_raw: dict[str, Counter[int]] = field(default_factory=dict)
    tables: dict[str, LabelTable] = field(default_factory=dict)
    scenes: Counter[str] = field(default_factory=Counter)
    textures: Counter[str] = field(default_factory=Counter)
    annotators: Counter[int] = field(default_factory=Counter)
    # Pictures that EXIF turns and whose labels carry no such tag: no fault if they were drawn on what a viewer shows.
    turned_alone: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    num_problems: int = 0

    def rows(self, kind: str) -> list[IdRow]:
        """Every raw id that the table knows or the files hold, in order."""
        table, counted = self.tables[kind], self.pixels_of_raw[kind]
        total = max(1, counted.total())
        found = []
        for raw in sorted(set(table.raw_to_index) | set(counted)):
            index = table.raw_to_index.get(raw)
            name = None if index is None else table.names[index]
            is_ignored = index is None and raw in table.raw_to_index
            pixels = counted[raw]
            found.append(IdRow(raw, table.describe_raw(raw), name, is_ignored, pixels, pixels / total))
        return found

    def ignored_share(self, kind: str) -> float:
        return sum(row.share for row in self.rows(kind) if row.is_ignored)

    def absent_classes(self, kind: str) -> list[str]:
        """Classes of the table without a single pixel in this split."""
        present = {row.name for row in self.rows(kind) if row.pixels}
        return [name for name in self.tables[kind].names if name not in present]

    def add_problem(self, problem: str) -> None:
        self.num_problems += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    def to_dict(self) -> dict[str, Any]:
        labels = {}
        for kind in self.tables:
            ids = [
                {
                    "id": row.shown_id,
                    "name": row.name,
                    "ignored": row.is_ignored,
                    "pixels": row.pixels,
                    "share": row.share,
                }
                for row in self.rows(kind)
            ]
            labels[kind] = {
                "ids": ids,
                "ignored_share": self.ignored_share(kind),
                "classes_without_pixels": self.absent_classes(kind),
            }
        return {
            "samples": self.num_samples,
            "sizes": [{"width": w, "height": h, "images": n} for (h, w), n in self.sizes.most_common()],
            "labels": labels,
            "scenes": dict(self.scenes.most_common()),
            "textures": dict(self.textures.most_common()),
            "annotators": {str(count): images for count, images in sorted(self.annotators.items())},
            "turned_by_exif_without_labels": self.turned_alone,
            "problems": self.problems,
            "num_problems": self.num_problems,
        }


def check_samples(
    open_split: Callable[[], Samples], *, split: str, on_progress: Callable[[int, int], None] | None = None
) -> SplitReport:
    """Open a split and read every sample. What is wrong is collected, and the rest is still counted."""
    report = SplitReport(split)
    try:
        samples = only_source(open_split())
    except BadInput as error:
        report.add_problem(str(error))
        return report
    report.taxonomy, report.num_samples = samples.taxonomy, len(samples)
    for index in range(len(samples)):
        try:
            # Raw ids are counted before the table turns the first unknown one into an error.
            raw_labels = samples.raw_labels(index)
            if raw_labels is not None:
                _count_raw_labels(report, raw_labels)
            sample = samples[index]
            _count_sample(report, sample)
            _note_turned(report, samples, index)
            if raw_labels is None:
                _count_indices(report, sample)
        except BadInput as error:
            report.add_problem(str(error))
        if on_progress is not None:
            on_progress(index + 1, len(samples))
    seen = [row for row in report.rows("objects") if row.pixels] if "objects" in report.tables else []
    if seen and all(row.is_ignored for row in seen):
        report.add_problem(f"{split} must hold at least one labelled pixel, but got none; check the ignored ids.")
    return report


def pixels_of_each_id(raw_HW: np.ndarray) -> dict[int, int]:
    """
    >>> pixels_of_each_id(np.array([[3, 3], [7, 3]], dtype=np.uint8))
    {3: 3, 7: 1}
    """
    if raw_HW.dtype == np.uint8:  # Counting is some 20 times faster than sorting, and most labels are bytes.
        pixels = np.bincount(raw_HW.ravel(), minlength=1)
        return {int(raw): int(pixels[raw]) for raw in pixels.nonzero()[0]}
    raw_ids, pixels = np.unique(raw_HW, return_counts=True)
    return dict(zip(raw_ids.tolist(), pixels.tolist()))


def _count_raw_labels(report: SplitReport, labels: list[RawLabel]) -> None:
    for label in labels:
        report.tables[label.kind] = label.table
        report.pixels_of_raw.setdefault(label.kind, Counter()).update(pixels_of_each_id(label.raw_HW))


def _count_sample(report: SplitReport, sample: Sample) -> None:
    report.sizes[sample.size] += 1
    taxonomy = report.taxonomy
    if sample.scene is not None and taxonomy is not None and taxonomy.scenes is not None:
        report.scenes[taxonomy.scenes.names[sample.scene]] += 1
    if sample.texture is not None and taxonomy is not None and taxonomy.textures is not None:
        report.textures[taxonomy.textures.names[sample.texture]] += 1
    if sample.annotators_AHW is not None:
        report.annotators[int(sample.annotators_AHW.shape[0])] += 1


def _note_turned(report: SplitReport, samples: Samples, index: int) -> None:
    files = samples.picture_and_labels(index)
    if files is not None and is_turned_alone(*files):
        report.turned_alone.append(files[0].name)


def _count_indices(report: SplitReport, sample: Sample) -> None:
    """For sources without files (drawn scenes): each index counts as its table's first raw id."""
    for kind, field_name in FIELD_OF_TABLE.items():
        table, mask = getattr(report.taxonomy, kind), sample.masks.get(field_name)
        if table is None or mask is None:
            continue
        report.tables[kind] = table
        counted = report.pixels_of_raw.setdefault(kind, Counter())
        raw_of_index = {index: raw for raw, index in sorted(table.raw_to_index.items(), reverse=True)}
        for index, number in pixels_of_each_id(mask.numpy()).items():
            # Ignored pixels of a table that ignores no raw id go under their index.
            counted[raw_of_index.get(None if index == table.ignore_index else index, index)] += number
