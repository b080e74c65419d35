"""The score of one class of one task: what an explanation asks a parser about, as one number with a gradient."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mereo.data.part_slices import part_slices
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput, did_you_mean
from mereo.heads.perceptual import PerceptualPrediction
from mereo.parser.image_scores import scores_of
from mereo.parser.scene_parser import SceneAnswers

TASKS = ("object", "part", "material", "scene", "texture")
SMALLEST_PROBABILITY = 1e-12  # Its logarithm is finite.


@dataclass(frozen=True)
class AskedClass:
    """A class of a task, by its name and by its place in the task's label table."""

    task: str
    name: str
    index: int


@dataclass(frozen=True, eq=False)
class ClassScore:
    """`wins_hw`: the cells that the class wins; of a task that is answered for the whole image one cell."""

    score: Tensor
    wins_hw: Tensor

    @property
    def share(self) -> float:
        return int(self.wins_hw.sum()) / self.wins_hw.numel()


def asked_class(question: str, taxonomy: Taxonomy) -> AskedClass:
    """
    >>> asked_class("object=road", Taxonomy("toy", LabelTable(("sky", "road"))))
    AskedClass(task='object', name='road', index=1)
    """
    task, equals, name = (part.strip() for part in question.partition("="))
    if not equals or not name:
        raise BadInput(f"a question must be TASK=CLASS, but got {question!r:.80}; e.g. object=road.")
    if task not in TASKS:
        raise BadInput(f"the task of a question must be a known one, but got {task!r:.80}; {did_you_mean(task, TASKS)}")
    table = _tables(taxonomy)[task]
    if table is None:
        known = [one for one, its_table in _tables(taxonomy).items() if its_table is not None]
        raise BadInput(
            f"the task of a question must be one that the parser's taxonomy has, but got {task!r}; ask about "
            f"{' or '.join(known)}."
        )
    if name not in table.names:
        raise BadInput(
            f"the class of a question must be one of the parser's for {task}, but got {name!r:.80}; "
            f"{did_you_mean(name, table.names)}"
        )
    if task == "part":
        asked_about = {part for one in taxonomy.object_names for part in taxonomy.part_indices_of(one)}
        if table.names.index(name) not in asked_about:
            owned = [table.names[part] for part in sorted(asked_about)]
            raise BadInput(
                f"the part of a question must be one of an object's, but got {name!r:.80}, which no object has; "
                f"{did_you_mean(name, owned) if owned else 'ask about object.'}"
            )
    return AskedClass(task, name, table.names.index(name))


def class_score(answers: SceneAnswers, asked: AskedClass, taxonomy: Taxonomy) -> ClassScore:
    """For one image: the class's mean score over the pixels where it wins, so that nothing is asked about the others.

    If it wins nowhere ("why not?") the mean over all pixels. Scores are logits; of heads that give probabilities their
    logarithms.
    """
    logits = _task_logits(answers, asked.task, taxonomy)
    if logits is None:
        raise BadInput(
            f"a parser must have a head that answers {asked.task} to be asked about it, but got none; ask about object."
        )
    logits_Khw = logits if logits.dim() == 3 else logits[:, None, None]
    wins_hw, of_class_hw = logits_Khw.argmax(dim=0) == asked.index, logits_Khw[asked.index]
    return ClassScore(of_class_hw[wins_hw].mean() if bool(wins_hw.any()) else of_class_hw.mean(), wins_hw)


def _task_logits(answers: SceneAnswers, task: str, taxonomy: Taxonomy) -> Tensor | None:
    """K h w, or K of a task that is answered for the whole image; None where no head answers it. One case a task."""
    if task == "object":
        found = scores_of(answers)
        logits_Khw = found.scores_Khw
        return logits_Khw.clamp(min=SMALLEST_PROBABILITY).log() if found.are_probabilities else logits_Khw
    prediction = next((one for one in answers.predictions if isinstance(one, PerceptualPrediction)), None)
    if prediction is None:
        return None
    if task == "part":
        return _part_logits(prediction, taxonomy)
    logits = {
        "material": prediction.material_logits_BKhw,
        "scene": prediction.scene_logits_BK,
        "texture": prediction.texture_logits_BK,
    }[task]
    return None if logits is None else logits[0]


def _part_logits(prediction: PerceptualPrediction, taxonomy: Taxonomy) -> Tensor | None:
    """K h w over the table of parts: of a part that several objects have, the largest of its logits. What no object
    has is answered nowhere, -inf."""
    slices = part_slices(taxonomy)
    if slices is None or prediction.part_logits_BKhw is None:
        return None
    entries: dict[int, list[int]] = {}
    for (start, _), parts in zip(slices.spans, slices.parts):
        if slices.rest is not None:
            entries.setdefault(slices.rest, []).append(start)
        for place, part in enumerate(parts, start=start + 1):
            entries.setdefault(part, []).append(place)
    logits_Ehw = prediction.part_logits_BKhw[0]
    nowhere_hw = torch.full_like(logits_Ehw[0], -torch.inf)
    return torch.stack(
        [logits_Ehw[entries[part]].amax(dim=0) if part in entries else nowhere_hw for part in range(slices.num_parts)]
    )


def _tables(taxonomy: Taxonomy) -> dict[str, LabelTable | None]:
    tables = (taxonomy.objects, taxonomy.parts, taxonomy.materials, taxonomy.scenes, taxonomy.textures)
    return dict(zip(TASKS, tables, strict=True))
