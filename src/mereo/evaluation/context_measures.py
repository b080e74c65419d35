"""Context error of a parser on labelled samples, and its file `context_error.json`. Known without torch, for tables."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from mereo.atomic_files import write_json
from mereo.data.component_instances import InstanceSource
from mereo.evaluation.measures_file import agree, read_measures
from mereo.evaluation.number_text import mean_of
from mereo.metrics.context_error import ContextErrors
from mereo.strict import StrictConfig

CONTEXT_FILE = "context_error.json"


class ClassContext(StrictConfig):
    """One class of things. `queries` counts those with a neighbour and a region to compare; without any, no error.

    `tells_little`: of fewer than 2K + 1 things the K nearest are most of the class, whatever the vectors say; with at
    most K + 1 they are all of it.
    """

    name: str
    instances: int = Field(ge=0)
    queries: int = Field(ge=0)
    error: float | None
    tells_little: bool = False


class ContextMeasures(StrictConfig):
    """Equation 4 in nats, low is good: `error` is the mean over the classes that have one, None if none has.

    `features` says which map of the parser the vectors are means of, `instances` what the true things are.
    """

    format: Literal[1] = 1
    error: float | None
    instances: InstanceSource
    neighbours: int = Field(ge=1)
    features: str
    num_images: int = Field(ge=1)
    seconds: float = Field(ge=0)
    conditions: dict[str, Any] = Field(default_factory=dict)
    classes: tuple[ClassContext, ...]

    @model_validator(mode="after")
    def _check(self) -> "ContextMeasures":
        mean = mean_of([one.error for one in self.classes])
        if not agree(self.error, mean):
            raise ValueError(f"error must be the mean over the classes, but got {self.error}, not {mean}")
        return self

    @property
    def num_telling_little(self) -> int:
        return sum(one.tells_little for one in self.classes)

    @property
    def num_instances(self) -> int:
        return sum(one.instances for one in self.classes)


def class_contexts(
    names: tuple[str, ...], things: tuple[int, ...], instances_K: np.ndarray, errors: ContextErrors, *, neighbours: int
) -> tuple[ClassContext, ...]:
    """Of the things, in index order."""
    return tuple(
        ClassContext(
            name=names[index],
            instances=int(instances_K[index]),
            queries=int(errors.queries_K[index]),
            error=float(errors.of_class_K[index]) if errors.queries_K[index] else None,
            tells_little=int(instances_K[index]) < 2 * neighbours + 1,
        )
        for index in things
    )


def write_context_measures(measures: ContextMeasures, folder: str | Path) -> Path:
    path = Path(folder) / CONTEXT_FILE
    write_json(path, measures.model_dump(mode="json"))
    return path


def read_context_measures(folder: str | Path) -> ContextMeasures | None:
    """What was written into this folder; None if nothing was."""
    return read_measures(Path(folder) / CONTEXT_FILE, ContextMeasures)
