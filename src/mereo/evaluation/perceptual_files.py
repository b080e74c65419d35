"""PerceptualMeasures on disk: `perceptual.json`. Counts are the truth; measures beside them are checked when read."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mereo.atomic_files import write_text
from mereo.errors import BadInput
from mereo.evaluation.measures_file import agree, one_line_an_entry, read_measures
from mereo.evaluation.perceptual_measures import IMAGE_TASKS, ImageTask, PerceptualMeasures, PixelTask
from mereo.strict import StrictConfig

PERCEPTUAL_FILE = "perceptual.json"
_Count = Annotated[int, Field(ge=0, lt=2**62)]


class _PixelTaskFile(StrictConfig):
    classes: tuple[str, ...] = Field(min_length=1)
    num_images: int = Field(ge=1)
    counts: list[tuple[_Count, _Count, _Count]]


class _ImageTaskFile(StrictConfig):
    classes: tuple[str, ...] = Field(min_length=1)
    num_images: int = Field(ge=1)
    counts: list[tuple[_Count, _Count]]


class _PerceptualFile(StrictConfig):
    format: Literal[1]
    num_images: int = Field(ge=1)
    derived: tuple[str, ...]
    measures: dict[str, dict[str, float | None]]
    objects: _PixelTaskFile | None = None
    parts: _PixelTaskFile | None = None
    materials: _PixelTaskFile | None = None
    scenes: _ImageTaskFile | None = None
    textures: _ImageTaskFile | None = None


def write_perceptual_measures(measures: PerceptualMeasures, folder: str | Path) -> Path:
    content: dict[str, Any] = {
        "format": 1,
        "num_images": measures.num_images,
        "derived": list(measures.derived),
        "measures": measures.summary(),
    }
    for name, task in measures.tasks.items():
        counts = task.counts_K3 if isinstance(task, PixelTask) else task.counts_K2
        content[name] = {
            "classes": list(task.class_names),
            "num_images": task.num_images,
            "counts": counts.tolist(),
        }
    path = Path(folder) / PERCEPTUAL_FILE
    write_text(path, one_line_an_entry(content))
    return path


def read_perceptual_measures(folder: str | Path) -> PerceptualMeasures | None:
    """What was written into this folder; None if nothing was."""
    path = Path(folder) / PERCEPTUAL_FILE
    stored = read_measures(path, _PerceptualFile)
    if stored is None:
        return None
    tasks = {name: _task(stored, name, path) for name in ("objects", "parts", "materials", *IMAGE_TASKS)}
    measures = PerceptualMeasures(stored.num_images, derived=stored.derived, **tasks)
    if not agree(stored.measures, measures.summary()):
        raise BadInput(f"measures must follow from the counts, but got others in {path}; evaluate again.")
    return measures


def _task(stored: _PerceptualFile, name: str, path: Path) -> Any:
    of_file = getattr(stored, name)
    if of_file is None:
        return None
    counts = np.array(of_file.counts, dtype=np.int64)
    if len(of_file.counts) != len(of_file.classes) or (
        name in IMAGE_TASKS and counts[:, 0].sum() != of_file.num_images
    ):
        raise BadInput(
            f"counts of {name} must be those of {len(of_file.classes)} classes in {of_file.num_images} images, "
            f"but got others in {path}; evaluate again."
        )
    if name in IMAGE_TASKS:
        return ImageTask(of_file.classes, counts)
    return PixelTask(of_file.classes, of_file.num_images, counts)
