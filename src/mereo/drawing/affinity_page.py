"""index.html of an explained picture: the coarse answer, the refined one, what changed, and bars of who gave what."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.error_pictures import draw_mistakes
from mereo.drawing.hover_map import hover_map, hover_script
from mereo.drawing.legend import percent
from mereo.drawing.overlay import draw_overlay
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import MAX_OVERLAY_SIDE, reduced, write_picture
from mereo.reasoning.affinity_influences import Influence, RegionInfluences

PAGE = PageTemplate(__file__)
MAX_BARS = 12


def write_affinity_page(
    folder: str | Path,
    *,
    coarse: Parse,
    refined: Parse,
    regions: Sequence[RegionInfluences],
    name: str,
    chosen: int | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Pictures of at most 4096 pixels and the page. `chosen` is the class whose region a person asked about."""
    folder, taxonomy = Path(folder), coarse.taxonomy
    changed_HW = coarse.semantic != refined.semantic
    coarse, refined = reduced(coarse, MAX_OVERLAY_SIDE), reduced(refined, MAX_OVERLAY_SIDE)
    pictures = (
        ("coarse", "Coarse answer: these regions talk to each other", draw_overlay(coarse)),
        ("refined", "Refined answer", draw_overlay(refined)),
        ("changed", f"Changed: {percent(float(changed_HW.mean()))} of the pixels", draw_changes(coarse, refined)),
    )
    figures = []
    for stem, caption, picture_HWC in pictures:
        path = write_picture(folder / stem, picture_HWC)
        height, width = picture_HWC.shape[:2]
        figures.append(
            f'<figure class="asks"><img src="{relative_link(Path(path).name)}" width="{width}" height="{height}" '
            f'alt="{escaped(caption)}"><figcaption>{escaped(caption)}</figcaption></figure>'
        )
    return PAGE.write(
        folder / "index.html",
        title=f"Affinities in {name}",
        summary="Which region of the picture supported which, and which suppressed which",
        notes=(
            "A bar is the length of what came from that region, relative to the region's own features; the "
            "number in brackets is the edge of the graph.",
            "What a region sends to itself is left out. Its own edge is 1 for support; for suppression it is 0, or "
            "that of all others where edges are learned.",
            *notes,
        ),
        rules=colour_rules(range(taxonomy.num_objects), taxonomy.objects.colours_K3.tolist()),
        script=hover_script() + PAGE.script(),
        data={"hover": _class_map(coarse), "chosen": chosen},
        pictures="\n".join(figures),
        regions="\n".join(_region(one, taxonomy) for one in regions),
    )


def draw_changes(coarse: Parse, refined: Parse) -> np.ndarray:
    """H W 3 uint8: the photograph in pale grey, what the reasoner changed in orange."""
    return draw_mistakes(coarse.image_HWC, coarse.semantic, refined.semantic, ignore_index=-1)


def _class_map(parse: Parse) -> list[object]:
    """The map for clicks, its values as classes."""
    segments = parse.segments
    found = hover_map(parse, segments=segments)
    return [*found.size, found.runs, [segment.class_index for segment in segments]]


def _region(region: RegionInfluences, taxonomy: Taxonomy) -> str:
    index = region.class_index
    largest = max((one.strength for one in (*region.support, *region.suppression)), default=0.0)
    parts = [
        f'<h3>{title}</h3><ol class="{kind}">{_bars(given, largest, taxonomy)}</ol>'
        for title, kind, given in (
            ("Supported by", "support", region.support),
            ("Suppressed by", "suppression", region.suppression),
        )
        if given
    ]
    alone = "" if parts else '<p class="quiet">It is alone in the picture, or the branches are switched off.</p>'
    return (
        f'<section id="region-{index}"><h2><span class="swatch k{index}"></span>'
        f"{escaped(taxonomy.object_names[index])} <small>{percent(region.share)}</small></h2>"
        f"{''.join(parts)}{alone}</section>"
    )


def _bars(given: Sequence[Influence], largest: float, taxonomy: Taxonomy) -> str:
    rows = []
    for one in given[:MAX_BARS]:
        width = 100 * one.strength / largest if largest > 0 else 0.0
        rows.append(
            f'<li><span class="from"><span class="swatch k{one.source}"></span>'
            f"{escaped(taxonomy.object_names[one.source])}</span>"
            f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect width="{width:.2f}" height="10"/></svg>'
            f'<span class="number">{percent(one.strength)} ({one.edge:.2f})</span></li>'
        )
    return "".join(rows)
