"""The score of one class of one task: what an explanation asks a parser about, as one number with a gradient."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mereo.assembly.part_decision import parts_within_objects
from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.data.part_slices import NO_ENTRY, part_slices
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput, did_you_mean
from mereo.heads.perceptual import PerceptualPrediction
from mereo.parser.asking.image_scores import scores_of
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
    """`wins_hw`: the cells that the class wins; of a task that is answered for the whole image one cell. `asked_hw`:
    those that the score is the mean over, where the class wins if it wins anywhere."""

    score: Tensor
    wins_hw: Tensor
    asked_hw: Tensor

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
    logarithms. A part is asked about within the objects that have it, as a parse decides it.
    """
    if asked.task == "part":
        found = _part_score(answers, asked, taxonomy)
    else:
        logits = _task_logits(answers, asked.task)
        found = None if logits is None else _score_of_logits(logits, asked.index)
    if found is None:
        raise BadInput(
            f"a parser must have a head that answers {asked.task} to be asked about it, but got none; ask about object."
        )
    return found


def _score_of_logits(logits: Tensor, index: int) -> ClassScore:
    logits_Khw = logits if logits.dim() == 3 else logits[:, None, None]
    wins_hw = logits_Khw.argmax(dim=0) == index
    asked_hw = wins_hw if bool(wins_hw.any()) else torch.ones_like(wins_hw)
    return ClassScore(logits_Khw[index][asked_hw].mean(), wins_hw, asked_hw)


def _task_logits(answers: SceneAnswers, task: str) -> Tensor | None:
    """K h w, or K of a task that is answered for the whole image; None where no head answers it. One case a task."""
    if task == "object":
        found = scores_of(answers)
        logits_Khw = found.scores_Khw
        return logits_Khw.clamp(min=SMALLEST_PROBABILITY).log() if found.are_probabilities else logits_Khw
    prediction = answers.prediction_or_none(PerceptualPrediction)
    if prediction is None:
        return None
    logits = {
        "material": prediction.material_logits_BKhw,
        "scene": prediction.scene_logits_BK,
        "texture": prediction.texture_logits_BK,
    }[task]
    return None if logits is None else logits[0]


def _part_score(answers: SceneAnswers, asked: AskedClass, taxonomy: Taxonomy) -> ClassScore | None:
    """The mean of the entry that the part has in the slice of each cell's object, over the cells where it wins there.

    Slices are never compared: a loss sees each alone, so nothing ties the level of one to that of another. If the part
    wins nowhere, the mean is over the cells whose object has it; if there are none, over all cells and all its entries.
    """
    slices, prediction = part_slices(taxonomy), answers.prediction_or_none(PerceptualPrediction)
    if slices is None or prediction is None or prediction.part_logits_BKhw is None:
        return None
    logits_Ehw = prediction.part_logits_BKhw[0]
    semantic_hw = labels_of_scores(scores_of(answers).scores_Khw, (logits_Ehw.shape[1], logits_Ehw.shape[2]))
    part_hw = parts_within_objects(logits_Ehw, semantic_hw, slices, ignore_index=NO_ENTRY)
    wins_hw = torch.from_numpy(part_hw == asked.index).to(logits_Ehw.device)
    object_hw = torch.from_numpy(semantic_hw).to(logits_Ehw.device)
    entry_hw = slices.entries(object_hw, torch.full_like(object_hw, asked.index))
    has_it_hw = entry_hw != NO_ENTRY
    if not bool(has_it_hw.any()):
        entries = [entry for entry, part in enumerate(slices.part_of_entry) if part == asked.index]
        return ClassScore(logits_Ehw[entries].mean(), wins_hw, torch.ones_like(wins_hw))
    asked_hw = wins_hw if bool(wins_hw.any()) else has_it_hw
    of_owner_hw = logits_Ehw.gather(0, entry_hw.clamp(min=0)[None])[0]
    return ClassScore(of_owner_hw[asked_hw].mean(), wins_hw, asked_hw)


def _tables(taxonomy: Taxonomy) -> dict[str, LabelTable | None]:
    tables = (taxonomy.objects, taxonomy.parts, taxonomy.materials, taxonomy.scenes, taxonomy.textures)
    return dict(zip(TASKS, tables, strict=True))
