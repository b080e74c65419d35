"""Measures of a parser's tokens, and their file `tokens.json`. Known without torch, for tables."""

from pathlib import Path

from pydantic import Field

from mereo.atomic_files import write_json
from mereo.evaluation.measures_file import read_measures
from mereo.strict import StrictConfig

TOKENS_FILE = "tokens.json"


class TokenMeasures(StrictConfig):
    """Means over the images that have something to say; None: no image has.

    `class_semantics` is S_C of the paper (nats, low is good), `class_diversity` D_C (high is good); S_I and D_I are the
    same for the instances of things.
    """

    num_tokens: int = Field(ge=1)
    num_images: int = Field(ge=1)
    class_semantics: float | None
    class_diversity: float | None
    instance_semantics: float | None = None
    instance_diversity: float | None = None


def write_token_measures(measures: TokenMeasures, folder: str | Path) -> Path:
    path = Path(folder) / TOKENS_FILE
    write_json(path, measures.model_dump())
    return path


def read_token_measures(folder: str | Path) -> TokenMeasures | None:
    """What was written into this folder; None if nothing was."""
    return read_measures(Path(folder) / TOKENS_FILE, TokenMeasures)
