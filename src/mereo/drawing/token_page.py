"""index.html of a picture's tokens: the photograph, the parse, and a card for each token."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse
from mereo.assembly.seen_tokens import SeenToken
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.legend import percent
from mereo.drawing.overlay import draw_overlay
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import MAX_OVERLAY_SIDE, reduced, write_picture
from mereo.drawing.token_pictures import draw_token, draw_token_sheet

PAGE = PageTemplate(__file__)
MAX_CLASSES = 3


def write_token_page(
    folder: str | Path,
    *,
    parse: Parse,
    tokens: Sequence[SeenToken],
    num_tokens: int,
    name: str,
    matching_HWC: np.ndarray | None = None,
    is_about_a_point: bool = False,
    notes: Sequence[str] = (),
) -> Path:
    """Cards in the order given, all of them on one sheet (`tokens`), and `matching_HWC` (`matching`) if there is one.

    `num_tokens`: how many tokens the parser has.
    """
    folder, taxonomy = Path(folder), parse.taxonomy
    small = reduced(parse, MAX_OVERLAY_SIDE)
    pictures = [
        ("photograph", "Photograph", small.image_HWC),
        ("parse", "What the parser answers", draw_overlay(small)),
    ]
    if matching_HWC is not None:
        pictures.append(("matching", "The answer's largest components, and the concepts that show each", matching_HWC))
    figures = [_figure(folder, *one) for one in pictures]
    write_picture(folder / "tokens", draw_token_sheet(small.image_HWC, tokens, taxonomy.object_names))
    order = "the one that looks at the point most first" if is_about_a_point else "the heaviest first"
    return PAGE.write(
        folder / "index.html",
        title=f"Tokens of {name}",
        summary="What the parser gathers before it answers, and where",
        notes=(
            "Orange is where a token looks, relative to where it looks most; the dot is its centre. Classes are those "
            "of the parser's own answer. An entropy of 0 means a single class.",
            *notes,
        ),
        rules=colour_rules(range(taxonomy.num_objects), taxonomy.objects.colours_K3.tolist()),
        pictures="\n".join(figures[:2]),
        matching="\n".join(figures[2:]),
        hint=escaped(f"{len(tokens)} of {num_tokens} tokens, {order}."),
        tokens="\n".join(
            _card(folder, parse, token, is_chosen=is_about_a_point and token is tokens[0]) for token in tokens
        ),
    )


def _figure(folder: Path, stem: str, caption: str, picture_HWC: np.ndarray) -> str:
    path = write_picture(folder / stem, picture_HWC)
    height, width = picture_HWC.shape[:2]
    return (
        f'<figure><img src="{relative_link(Path(path).name)}" width="{width}" height="{height}" '
        f'alt="{escaped(caption)}"><figcaption>{escaped(caption)}</figcaption></figure>'
    )


def _card(folder: Path, parse: Parse, token: SeenToken, *, is_chosen: bool) -> str:
    picture_HWC = draw_token(parse.image_HWC, token)
    path = write_picture(folder / "tokens" / f"{token.index:04}", picture_HWC)
    height, width = picture_HWC.shape[:2]
    link = relative_link(f"tokens/{Path(path).name}")
    return (
        f'<li{" class=chosen" if is_chosen else ""}><img src="{link}" width="{width}" height="{height}" loading="lazy" '
        f'alt="Where token {token.index} looks"><h2>#{token.index} <small>mass {percent(token.mass)}, '
        f"entropy {token.entropy:.2f}</small></h2><ul>{_classes(token, parse.taxonomy)}</ul></li>"
    )


def _classes(token: SeenToken, taxonomy: Taxonomy) -> str:
    return "".join(
        f'<li><span class="swatch k{index}"></span>{escaped(taxonomy.object_names[index])}'
        f'<span class="number">{percent(share)}</span></li>'
        for index, share in token.classes[:MAX_CLASSES]
    )
