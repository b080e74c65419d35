"""What `mereo explain --affinity` writes and says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np

    from mereo.data.taxonomy import Taxonomy
    from mereo.interaction.affinity_explanation import AffinityExplanation
    from mereo.reasoning.affinity_influences import RegionInfluences

NUM_NAMED = 5


def explained_affinity(
    parser: Any,
    image_HWC: "np.ndarray",
    *,
    image: Path,
    point: tuple[int, int] | None,
    out: Path,
    notes: list[str],
) -> list[str]:
    """Page, pictures and explanation.json in `out`; the lines for the terminal."""
    from mereo.assembly.parse import Parse
    from mereo.atomic_files import write_json
    from mereo.drawing.affinity_page import write_affinity_page
    from mereo.interaction.affinity_explanation import explain_affinity

    explanation = explain_affinity(parser, image_HWC)
    chosen = None if point is None else explanation.region_at(*point)
    taxonomy = explanation.taxonomy
    coarse, refined = (
        Parse(image_HWC=image_HWC, semantic=semantic_HW, taxonomy=taxonomy, name=image.stem)
        for semantic_HW in (explanation.coarse_HW, explanation.refined_HW)
    )
    page = write_affinity_page(
        out,
        coarse=coarse,
        refined=refined,
        regions=explanation.regions,
        name=image.name,
        chosen=None if chosen is None else chosen.class_index,
        notes=notes,
    )
    content = as_numbers(explanation)
    if chosen is not None and point is not None:
        content["point"] = {"at": list(point), "class": taxonomy.object_names[chosen.class_index]}
    write_json(out / "explanation.json", content)
    told = explanation.regions[:1] if chosen is None else [chosen]
    changed = f"changed: {100 * explanation.changed_HW.mean():.2f} % of the pixels"
    return [changed, *(in_words(region, taxonomy) for region in told), str(page)]


def in_words(region: "RegionInfluences", taxonomy: "Taxonomy") -> str:
    def named(title: str, given: tuple) -> str:
        shown = [
            f"{printable(taxonomy.object_names[one.source])} {100 * one.strength:.1f} %" for one in given[:NUM_NAMED]
        ]
        return f"\n  {title}: {', '.join(shown)}" if shown else ""

    name = printable(taxonomy.object_names[region.class_index])
    given = named("supported by", region.support) + named("suppressed by", region.suppression)
    return f"{name} ({100 * region.share:.1f} % of the coarse answer){given or ': nothing reached it from others'}"


def as_numbers(explanation: "AffinityExplanation") -> dict[str, object]:
    names = explanation.taxonomy.object_names

    def given(influences: tuple) -> list[dict[str, object]]:
        return [
            {"from": names[one.source], "edge": round(one.edge, 6), "strength": round(one.strength, 6)}
            for one in influences
        ]

    return {
        "changed": round(float(explanation.changed_HW.mean()), 6),
        "regions": [
            {
                "class": names[region.class_index],
                "share": round(region.share, 6),
                "support": given(region.support),
                "suppression": given(region.suppression),
            }
            for region in explanation.regions
        ],
    }
