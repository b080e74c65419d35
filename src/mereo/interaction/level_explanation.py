"""Which level of a pyramid answers where in one picture, and what the other levels would have said."""

from dataclasses import dataclass

import numpy as np

from mereo.assembly.level_answers import LevelAnswers, LevelCell
from mereo.assembly.parse import Parse
from mereo.errors import BadInput
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.parsing import parse_image
from mereo.parser.asking.pyramid_levels import has_levels, level_answers
from mereo.parser.scene_parser import SceneParser


@dataclass(frozen=True, eq=False)
class LevelExplanation:
    """The parser's own answer, and what each of its levels says."""

    parse: Parse
    answers: LevelAnswers

    def cells_at(self, x: int, y: int) -> tuple[LevelCell, ...]:
        """The cell of each level at this pixel of the picture, coarsest first."""
        return self.answers.cells_at(x, y, self.parse.size)


def explain_levels(parser: SceneParser, image_HWC: np.ndarray) -> LevelExplanation:
    """The levels of the parser's pyramid, asked about one photograph in one plain pass."""
    if not has_levels(parser):
        raise BadInput(
            "a parser must have a pyramid of levels to explain them, but got one without; train one with the head "
            "semantic_pyramid."
        )
    answers = plain_answers(parser, image_HWC)
    return LevelExplanation(parse_image(parser, image_HWC, ready=answers), level_answers(answers))
