"""The groups that a parser sees in a photograph: of several hierarchies the one that heads are nearest to."""

from typing import TYPE_CHECKING

from mereo.errors import BadInput
from mereo.regions.grouping_hierarchy import GroupingHierarchy

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers


def last_hierarchy(answers: "SceneAnswers") -> GroupingHierarchy | None:
    hierarchies = answers.evidence_of(GroupingHierarchy)
    return hierarchies[-1] if hierarchies else None


def required_hierarchy(answers: "SceneAnswers") -> GroupingHierarchy:
    hierarchy = last_hierarchy(answers)
    if hierarchy is None:
        raise BadInput(
            "a parser must have a stage that groups superpixels to say which groups it sees, but got none; "
            "train one with the stage deep_grouping."
        )
    return hierarchy
