"""PerceptualMeasures on disk: `perceptual.json`. Counts are the truth; measures beside them are checked when read."""

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mereo.atomic_files import write_text
from mereo.errors import BadInput
from mereo.evaluation.measures_file import read_measures
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
    # One line an entry: hundreds of counts would fill many screens otherwise.
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for key, value in content.items()
    ]
    path = Path(folder) / PERCEPTUAL_FILE
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def read_perceptual_measures(folder: str | Path) -> PerceptualMeasures | None:
    """What was written into this folder; None if nothing was."""
    path = Path(folder) / PERCEPTUAL_FILE
    stored = read_measures(path, _PerceptualFile)
    if stored is None:
        return None
    tasks = {name: _task(stored, name, path) for name in ("objects", "parts", "materials", *IMAGE_TASKS)}
    measures = PerceptualMeasures(stored.num_images, derived=stored.derived, **tasks)
    if not _agree(stored.measures, measures.summary()):
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


def _agree(stored: dict[str, dict[str, float | None]], counted: dict[str, dict[str, float | None]]) -> bool:
    """Equal but for the last digits, which another machine may add up in another order."""
    if stored.keys() != counted.keys():
        return False
    return all(
        stored[task].keys() == of_task.keys()
        and all(_is_close(stored[task][name], value) for name, value in of_task.items())
        for task, of_task in counted.items()
    )


def _is_close(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, abs_tol=1e-12)
