"""`mereo index map INDEX --class NAME`: all segments of a class on one map, alike ones near each other."""

from pathlib import Path
from typing import Annotated

import typer

from mereo.commands.out_folder import require_out_folder


def draw_map(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    class_name: Annotated[str, typer.Option("--class", help="The class whose segments are mapped.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html and the pictures.")] = Path("map"),
    most: Annotated[int, typer.Option(min=4, max=10_000, help="Of a larger class, so many segments are drawn.")] = 2000,
) -> None:
    """Draw a map of all segments of a class: where they are dense, what surrounds them, each as one points at it.

    Example: mereo index map photographs.index --class car --out map
    """
    from mereo.commands.index_find import class_index_of
    from mereo.drawing.class_map_page import write_class_map_page
    from mereo.retrieval.class_map import class_map
    from mereo.retrieval.segment_index import SegmentIndex
    from mereo.version import VERSION

    require_out_folder(out)
    opened = SegmentIndex.open(index)
    class_index = class_index_of(opened.facts, class_name)
    found = class_map(opened, class_index, max_segments=most)
    page = write_class_map_page(
        out,
        class_index=class_index,
        num_segments=found.num_segments,
        position_N2=found.position_N2,
        share_NK=found.share_NK,
        images=found.images,
        thumbnails=found.thumbnails,
        taxonomy=opened.facts.taxonomy,
        notes=[f"Made with Mereo {VERSION}. Surroundings are those that the parser sees, not true labels."],
    )
    typer.echo(f"{len(found.images):,} of {found.num_segments:,} segments of {class_name}")
    typer.echo(str(page))
