"""The answer to "why this class?" as sentences: of the class, and of each level."""

import numpy as np

from mereo.drawing.legend import percent
from mereo.interaction.graph_cam import GraphHeat, stands_out

NEARLY_ALL = 0.995  # Of the picture: what would be written as 100 %.


def answer_in_words(found: GraphHeat) -> str:
    task, name, score = found.asked.task, found.asked.name, f"{found.score:.2f}"
    if found.share > 0:
        return f"{name} is the answer in {percent(found.share)} of the picture ({task}), with a mean score of {score}."
    where = "the whole picture"
    if not found.asked_hw.all():
        where = f"the {percent(float(found.asked_hw.mean()))} of the picture whose objects can have it"
    return f"{name} is not the answer anywhere ({task}): its score, {score}, is the mean over {where}."


def levels_in_words(found: GraphHeat) -> tuple[str, ...]:
    """How much of the photograph is at least half as hot as the level's hottest place, where that tells anything."""
    return tuple(
        _level_in_words(found, heat_R, relative_R)
        for heat_R, relative_R in zip(found.heat_per_level, found.relative_per_level)
    )


def _level_in_words(found: GraphHeat, heat_R: np.ndarray, relative_R: np.ndarray) -> str:
    if not heat_R.any():
        return "nothing of this level speaks for it"
    if not relative_R.any():
        return "next to nothing of this level speaks for it"
    if not stands_out(relative_R):
        return "the same everywhere: this level tells nothing apart"
    share = float(found.photograph.on_pixels(relative_R >= 0.5, found.photograph.superpixel_hw.shape).mean())
    if share >= NEARLY_ALL:
        return "everywhere at least half as hot as the hottest: this level tells little apart"
    return f"{percent(share)} at least half as hot as the hottest"
