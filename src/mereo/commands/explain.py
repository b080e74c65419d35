"""`mereo explain IMAGE --affinity`: why a parser answers what it answers, as pictures and a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mereo.data.taxonomy import Taxonomy
    from mereo.interaction.affinity_explanation import AffinityExplanation
    from mereo.reasoning.affinity_influences import RegionInfluences

NUM_NAMED = 5


def explain(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    affinity: Annotated[
        bool, typer.Option("--affinity", help="Which regions support and suppress each other (class_affinity).")
    ] = False,
    parser: Annotated[str | None, typer.Option(help="A built-in name, a parser file, or a run folder.")] = None,
    at: Annotated[str | None, typer.Option(help="Ask about the region at this pixel: X,Y.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for index.html, the pictures and explanation.json.")] = Path(
        "explained"
    ),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    max_pixels: Annotated[int, typer.Option(min=1, help="Larger photographs are refused.")] = 64_000_000,
) -> None:
    """Explain one answer: what the parser first thought, what it changed, and what made it.

    Example: mereo explain street.jpg --affinity --parser runs/camvid_affinity_small --at 120,80
    """
    from mereo.assembly.parse import Parse
    from mereo.atomic_files import write_json
    from mereo.commands.parse import open_parser
    from mereo.data.image_reading import read_image
    from mereo.drawing.affinity_page import write_affinity_page
    from mereo.errors import BadInput
    from mereo.interaction.affinity_explanation import explain_affinity
    from mereo.version import VERSION

    if not affinity:
        raise BadInput("explain must know what to explain, but got no view; give --affinity.")
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out must be a folder, but got a file in {out}; name another folder.")
    point = None if at is None else parsed_point(at)
    image_HWC = read_image(image, max_pixels=max_pixels)
    loaded = open_parser(parser, device)
    explanation = explain_affinity(loaded, image_HWC)
    chosen = None if point is None else explanation.region_at(*point)
    taxonomy = explanation.taxonomy
    coarse, refined = (
        Parse(image_HWC=image_HWC, semantic=semantic_HW, taxonomy=taxonomy, name=image.stem)
        for semantic_HW in (explanation.coarse_HW, explanation.refined_HW)
    )
    terms = getattr(getattr(loaded, "card", None), "terms", "") or ""
    page = write_affinity_page(
        out,
        coarse=coarse,
        refined=refined,
        regions=explanation.regions,
        name=image.name,
        chosen=None if chosen is None else chosen.class_index,
        notes=[f"Made with Mereo {VERSION}.", *([f"Terms of the parser: {terms}."] if terms else [])],
    )
    write_json(out / "explanation.json", as_numbers(explanation))
    typer.echo(f"changed: {100 * explanation.changed_HW.mean():.2f} % of the pixels")
    for region in explanation.regions[:1] if chosen is None else [chosen]:
        typer.echo(in_words(region, taxonomy))
    typer.echo(str(page))


def parsed_point(text: str) -> tuple[int, int]:
    """
    >>> parsed_point("120,80")
    (120, 80)
    """
    from mereo.errors import BadInput

    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise BadInput(f"--at must be two whole numbers X,Y, but got {text!r:.80}; e.g. 120,80.")
    return int(parts[0]), int(parts[1])


def in_words(region: "RegionInfluences", taxonomy: "Taxonomy") -> str:
    from mereo.drawing.text_lines import printable

    def named(title: str, given: tuple) -> str:
        shown = [
            f"{printable(taxonomy.object_names[one.source])} {100 * one.strength:.1f} %" for one in given[:NUM_NAMED]
        ]
        return f"\n  {title}: {', '.join(shown)}" if shown else ""

    name = printable(taxonomy.object_names[region.class_index])
    given = named("supported by", region.support) + named("suppressed by", region.suppression)
    return f"{name} ({100 * region.share:.1f} % of the coarse answer){given or ': nothing reached it'}"


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
