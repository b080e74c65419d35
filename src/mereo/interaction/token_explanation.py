"""What the tokens of one picture look at (concept tokens and every other parser that has tokens)."""

from dataclasses import dataclass

import numpy as np

from mereo.assembly.parse import Parse
from mereo.assembly.seen_tokens import SeenToken, seen_tokens
from mereo.errors import BadInput
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.parsing import parse_image
from mereo.parser.scene_parser import SceneParser
from mereo.parser.token_weights import concept_weights, has_tokens, token_weights
from mereo.regions.nearest_places import nearest_places
from mereo.shapes import require_point


@dataclass(frozen=True, eq=False)
class TokenExplanation:
    """Tokens are sorted by mass, the heaviest first. Classes are the parser's own answer.

    `concept_Khw`: the regions of the last concept_tokens stage, probabilities trained on components, or None. They are
    the tokens' own weights (`weight_Khw`) unless another reasoner stands behind it.
    """

    parse: Parse
    weight_Khw: np.ndarray
    tokens: tuple[SeenToken, ...]
    concept_Khw: np.ndarray | None

    def tokens_at(self, x: int, y: int) -> tuple[SeenToken, ...]:
        """All tokens, the one that looks at this pixel of the picture most first."""
        height, width = self.parse.size
        require_point(x, y, (height, width))
        rows, columns = self.tokens[0].weight_hw.shape
        row, column = nearest_places(rows, height)[y], nearest_places(columns, width)[x]
        return tuple(sorted(self.tokens, key=lambda one: -one.weight_hw[row, column]))


def explain_tokens(parser: SceneParser, image_HWC: np.ndarray) -> TokenExplanation:
    """The last stage of the parser that gathers tokens, or its head's queries, asked about one photograph in one plain
    pass."""
    if not has_tokens(parser):
        raise BadInput(
            "a parser must gather tokens to explain them, but got one without; train e.g. "
            "recipes/camvid_concepts_small.yaml."
        )
    answers = plain_answers(parser, image_HWC)
    parse = parse_image(parser, image_HWC, ready=answers)
    weight_Khw: np.ndarray = token_weights(answers)[0].float().cpu().numpy()
    tokens = seen_tokens(weight_Khw, parse.semantic, parser.taxonomy.num_objects)
    concept_BKhw = concept_weights(answers)
    concept_Khw = None if concept_BKhw is None else concept_BKhw[0].float().cpu().numpy()
    return TokenExplanation(parse, weight_Khw, tokens, concept_Khw)
