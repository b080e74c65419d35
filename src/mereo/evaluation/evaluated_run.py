"""An evaluated run folder: what was trained (recipe.yaml, run.json) and what it reached (its evaluation)."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mereo.errors import BadInput
from mereo.evaluation.context_measures import ContextMeasures, read_context_measures
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import EVALUATION_FILE, PER_IMAGE_FILE, read_evaluation
from mereo.evaluation.level_files import read_level_measures
from mereo.evaluation.level_measures import LevelMeasures
from mereo.evaluation.measures_file import read_json
from mereo.evaluation.panoptic_files import PanopticEvaluation
from mereo.evaluation.panoptic_quality_file import read_panoptic_quality
from mereo.evaluation.perceptual_files import read_perceptual_measures
from mereo.evaluation.perceptual_measures import PerceptualMeasures
from mereo.evaluation.token_measures import TokenMeasures, read_token_measures
from mereo.run_files import RECIPE_FILE, RUN_FILE
from mereo.strict_yaml import validated


class RunRecord(BaseModel):
    """What `mereo train` writes into run.json. Other keys may stand there too: this is no file that people type."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    row: str
    protocol: str
    seed: int
    steps: int
    wall_seconds: float = Field(ge=0, allow_inf_nan=False)
    machine: str
    commit: str | None = None
    command: str
    parameters: int | None = None


@dataclass(frozen=True)
class EvaluatedRun:
    """`tokens` is None for a parser that has none, `levels` for one that was not measured by level, `perceptual` for
    one that answers objects alone, `panoptic` and `context` where segments were not measured.
    """

    folder: Path
    record: RunRecord
    evaluation: Evaluation
    tokens: TokenMeasures | None = None
    levels: LevelMeasures | None = None
    perceptual: PerceptualMeasures | None = None
    panoptic: PanopticEvaluation | None = None
    context: ContextMeasures | None = None


def read_evaluated_run(folder: str | Path) -> EvaluatedRun:
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"a run must be a folder, but got {folder}; pass folders that `mereo train` made.")
    missing = [
        name for name in (RECIPE_FILE, RUN_FILE, EVALUATION_FILE, PER_IMAGE_FILE) if not (folder / name).is_file()
    ]
    if missing:
        what = "train" if {RECIPE_FILE, RUN_FILE} & set(missing) else "evaluate"
        raise BadInput(
            f"a run folder must hold {RECIPE_FILE}, {RUN_FILE}, {EVALUATION_FILE} and {PER_IMAGE_FILE}, "
            f"but got no {' and no '.join(missing)} in {folder}; run `mereo {what}` for it."
        )
    path = folder / RUN_FILE
    record = validated(RunRecord, read_json(path, advice="train again"), source=str(path))
    return EvaluatedRun(
        folder,
        record,
        read_evaluation(folder),
        tokens=read_token_measures(folder),
        levels=read_level_measures(folder),
        perceptual=read_perceptual_measures(folder),
        panoptic=read_panoptic_quality(folder),
        context=read_context_measures(folder),
    )
