"""What `mereo explain --tokens` writes and says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np

    from mereo.assembly.seen_tokens import SeenToken

NUM_SAID, MAX_CARDS = 5, 120
OF_ANOTHER_STAGE = (
    "Concepts are those of concept_tokens. The tokens are those of the stage behind it: token 0 is not concept 0."
)


def explained_tokens(
    parser: Any,
    image_HWC: "np.ndarray",
    *,
    image: Path,
    point: tuple[int, int] | None,
    out: Path,
    notes: list[str],
) -> list[str]:
    """Page, pictures and explanation.json in `out`; the lines for the terminal."""
    import numpy as np

    from mereo.atomic_files import write_json
    from mereo.drawing.matching_picture import draw_matching_with_labels
    from mereo.drawing.token_page import write_token_page
    from mereo.drawing.token_pictures import token_words
    from mereo.interaction.token_explanation import explain_tokens
    from mereo.losses.concept_regions import ConceptRegions

    explanation = explain_tokens(parser, image_HWC)
    tokens = explanation.tokens if point is None else explanation.tokens_at(*point)
    names = explanation.parse.taxonomy.object_names
    matching_HWC = None
    if explanation.concept_Khw is not None:
        matching_HWC = draw_matching_with_labels(
            image_HWC,
            explanation.concept_Khw,
            explanation.parse.semantic,
            class_names=names,
            loss=ConceptRegions(ignore_label=-1),
        )
        if not np.array_equal(explanation.concept_Khw, explanation.weight_Khw):
            notes = [*notes, OF_ANOTHER_STAGE]
    page = write_token_page(
        out,
        parse=explanation.parse,
        tokens=tokens[:MAX_CARDS],
        num_tokens=len(explanation.tokens),
        name=image.name,
        matching_HWC=matching_HWC,
        is_about_a_point=point is not None,
        notes=notes,
    )
    write_json(out / "explanation.json", {"tokens": [as_numbers(one, names) for one in tokens]})
    told = [": ".join(token_words(one, [printable(name) for name in names])) for one in tokens[:NUM_SAID]]
    what = "the heaviest" if point is None else f"those that look at {point[0]},{point[1]} most"
    return [f"{len(tokens)} tokens, {what} first", *told, str(page)]


def as_numbers(token: "SeenToken", names: list[str]) -> dict[str, object]:
    return {
        "token": token.index,
        "mass": round(token.mass, 6),
        "centre": [round(value, 1) for value in token.centre_xy],
        "entropy": round(token.entropy, 6),
        "classes": {names[index]: round(share, 6) for index, share in token.classes},
    }
