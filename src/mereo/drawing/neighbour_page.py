"""index.html of a search: the segment that was asked about, and a card for each one found, nearest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mereo.atomic_files import write_bytes
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.segment_thumbnail import MAX_SIDE, Box, segment_crop

PAGE = PageTemplate(__file__)
QUERY_SIDE = 480


@dataclass(frozen=True)
class ShownSegment:
    """`thumbnail` is what `segment_thumbnail` made of the segment's box; the query has no distance."""

    thumbnail: bytes
    box_xyxy: Box
    image_size: tuple[int, int]
    class_index: int
    image: str
    distance: float | None = None


def write_neighbour_page(
    folder: str | Path,
    *,
    query: ShownSegment,
    found: Sequence[ShownSegment],
    taxonomy: Taxonomy,
    limits: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Path:
    """`limits` say what was asked to be left out, e.g. "not of this photograph"; the query's thumbnail is larger."""
    folder = Path(folder)
    name = taxonomy.object_names[query.class_index]
    present = sorted({one.class_index for one in (query, *found)})
    count = f"{len(found)} segment{'s' if len(found) != 1 else ''} most like this"
    summary = "; ".join(["Nearest first by cosine distance (0: the same direction)", *limits])
    largest = max((one.distance or 0.0 for one in found), default=0.0)
    cards = [
        _card(folder, f"{rank:04}", one, taxonomy, rank=rank, largest=largest)
        for rank, one in enumerate(found, start=1)
    ]
    for stale in _later_thumbnails(folder, len(found)):
        stale.unlink(missing_ok=True)
    return PAGE.write(
        folder / "index.html",
        title=f"{count}: {name}",
        summary=escaped(summary),
        notes=notes,
        rules=colour_rules(present, taxonomy.objects.colours_K3[present].tolist()),
        query=_card(folder, "query", query, taxonomy, side=QUERY_SIDE),
        found="\n".join(cards) or '<li class="nothing quiet">Nothing in the index fits what was asked.</li>',
    )


def _later_thumbnails(folder: Path, num_found: int) -> list[Path]:
    """Of an earlier search into the same folder, which found more."""
    paths = (folder / "thumbnails").glob("[0-9][0-9][0-9][0-9]*.jpg")
    return [path for path in paths if path.stem.isdecimal() and int(path.stem) > num_found]


def _card(
    folder: Path,
    stem: str,
    one: ShownSegment,
    taxonomy: Taxonomy,
    *,
    rank: int | None = None,
    largest: float = 0.0,
    side: int = MAX_SIDE,
) -> str:
    write_bytes(folder / "thumbnails" / f"{stem}.jpg", one.thumbnail)
    crop = segment_crop(one.box_xyxy, one.image_size, max_side=side)
    width, height = crop.size
    left, top, right, bottom = (f"{value:.1f}" for value in _inside(crop.place(one.box_xyxy), crop.size))
    place = f'x="{left}" y="{top}" width="{float(right) - float(left):.1f}" height="{float(bottom) - float(top):.1f}"'
    name, image = escaped(taxonomy.object_names[one.class_index]), escaped(one.image)
    about = f"{one.box_xyxy[2] - one.box_xyxy[0]} × {one.box_xyxy[3] - one.box_xyxy[1]} px"
    picture = (
        f'<div class="picture"><img src="{relative_link(f"thumbnails/{stem}.jpg")}" width="{width}" height="{height}" '
        f'loading="lazy" alt="{name} in {image}"><svg viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<rect class="shade" {place}/><rect class="box k{one.class_index}" {place}/></svg></div>'
    )
    words = f'<p class="name"><span class="swatch k{one.class_index}"></span><span>{name}</span>'
    if one.distance is None:
        return f'{picture}<div class="words">{words}</p><p class="quiet">{image}</p><p class="quiet">{about}</p></div>'
    share = 100 * one.distance / largest if largest > 0 else 0.0
    bar = (
        '<svg class="bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{share:.1f}" height="3"/></svg>'
    )
    return (
        f'<li>{picture}{bar}<div class="words">{words}<span class="distance">{one.distance:.3f}</span></p>'
        f'<p class="quiet" title="{image}">{rank}. {image}</p></div></li>'
    )


def _inside(place: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """A line of the box has a width: at the picture's edge half of it would be cut."""
    left, top, right, bottom = place
    return max(left, 1.5), max(top, 1.5), min(right, size[0] - 1.5), min(bottom, size[1] - 1.5)
