"""`mereo index show INDEX` and `mereo index context-error INDEX`: what an index holds, and whether it keeps context."""

from pathlib import Path
from typing import Annotated

import typer


def show(index: Annotated[Path, typer.Argument(help="The folder of an index.")]) -> None:
    """Print what an index holds: photographs, segments, classes, size on disk, and the parser that it came from."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from mereo.retrieval.segment_index import SegmentIndex

    opened = SegmentIndex.open(index)
    rows = opened.rows(("class_index", "image"))
    names = opened.facts.taxonomy.object_names
    class_N = rows["class_index"].to_numpy()
    images_N = rows["image"].combine_chunks().dictionary_encode().indices.to_numpy()
    console = Console(highlight=False, markup=False, emoji=False)
    table = Table("class", "segments", "photographs", box=None, pad_edge=False)
    count_K = np.bincount(class_N, minlength=len(names))
    for class_index in np.argsort(-count_K, kind="stable").tolist():
        if count_K[class_index]:
            photographs = len(np.unique(images_N[class_N == class_index]))
            table.add_row(names[class_index], f"{count_K[class_index]:,}", f"{photographs:,}")
    console.print(table)
    size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    facts = opened.facts
    for line in (
        f"{len(rows):,} segments of {len(opened.images()):,} photographs, vectors of {opened.dimensions} numbers",
        f"{size / 1e6:,.1f} MB on disk, {size / max(1, len(rows)):,.0f} bytes a segment, thumbnails included",
        f"parser: {facts.parser} (fingerprint {facts.fingerprint[:12]})",
        f"folder: {facts.root} (from the index)",
    ):
        console.print(line, soft_wrap=True)


def context_error(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    top: Annotated[int, typer.Option(min=1, help="How many neighbours of each segment are looked at.")] = 20,
    class_name: Annotated[
        str | None, typer.Option("--class", help="This class alone; left out: all things, or all classes.")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Of a larger class, so many segments are drawn.")] = 2000,
) -> None:
    """How much what surrounds a segment differs from what surrounds the nearest of its class: 0 alike, 4.6 unlike.

    Panoptic Segment Sorting, equation 4; surroundings are those that the parser sees, not true labels.
    """
    from rich.console import Console
    from rich.table import Table

    from mereo.commands.index_find import class_index_of
    from mereo.retrieval.context_of_index import context_of_index
    from mereo.retrieval.segment_index import SegmentIndex

    opened = SegmentIndex.open(index)
    chosen = None if class_name is None else (class_index_of(opened.facts, class_name),)
    found = context_of_index(opened, neighbours=top, class_indices=chosen, max_queries=queries)
    console = Console(highlight=False, markup=False, emoji=False)
    table = Table("class", "segments", "queries", "context error", box=None, pad_edge=False)
    for one in found.classes:
        mark = " *" if one.num_segments < 2 * top + 1 else ""
        table.add_row(one.name + mark, f"{one.num_segments:,}", f"{one.num_queries:,}", _number(one.error))
    console.print(table)
    console.print(f"mean over classes {_number(found.error)}, {top} neighbours of the same class", soft_wrap=True)
    if any(one.num_segments < 2 * top + 1 for one in found.classes):
        console.print(f"* fewer than {2 * top + 1} segments: most of the class are neighbours", soft_wrap=True)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
