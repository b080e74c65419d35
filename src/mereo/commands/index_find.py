"""`mereo index find INDEX IMAGE --at X,Y`: the segments most like one of a photograph, as a page or as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.explain import parsed_point
from mereo.commands.out_folder import require_out_folder
from mereo.commands.pixel_caps import RAISE_CAP, MaxPixels
from mereo.picture_sizes import MAX_PIXELS
from mereo.text_lines import printable, without_surrogates

if TYPE_CHECKING:
    from mereo.drawing.neighbour_page import ShownSegment
    from mereo.retrieval.index_facts import IndexFacts
    from mereo.retrieval.nearest_segments import FoundSegment
    from mereo.retrieval.segment_index import SegmentIndex


def find(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    image: Annotated[Path, typer.Argument(help="A photograph; it need not be in the index.")],
    at: Annotated[str | None, typer.Option(help="The segment at this pixel of the photograph: X,Y.")] = None,
    segment: Annotated[int | None, typer.Option(min=0, help="The segment by number; 0 is the largest.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Find segments of this class alone.")] = None,
    not_image: Annotated[
        bool, typer.Option("--not-image", help="Find none of the photograph itself (the same bytes).")
    ] = False,
    in_images: Annotated[
        list[str] | None,
        typer.Option("--image", help="Find segments of this photograph of the index alone; may be repeated."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder for index.html and its pictures.")] = Path("found"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of writing a page.")] = False,
    parser: Annotated[
        str | None, typer.Option(help="Where the index's own parser lies now; left out: where it lay.")
    ] = None,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Find the segments most like one of a photograph, nearest first.

    Example: mereo index find photographs.index street.jpg --at 320,200 --class car --not-image
    """
    import json

    from mereo.commands.index_source import source_of_index
    from mereo.data.pictures.image_reading import read_image
    from mereo.errors import BadInput
    from mereo.retrieval.index_building import content_hash
    from mereo.retrieval.nearest_segments import nearest_segments
    from mereo.retrieval.segment_index import SegmentIndex

    if (at is None) == (segment is None):
        got = "neither" if at is None else "both"
        raise BadInput(f"find must be given --at X,Y or --segment N, but got {got}; give one of them.")
    point = None if at is None else parsed_point(at)
    require_out_folder(None if as_json else out)
    opened = SegmentIndex.open(index)
    class_index = None if class_name is None else class_index_of(opened.facts, class_name)
    if in_images is not None:
        require_known_images(opened, in_images)
    image_HWC = read_image(image, max_pixels=max_pixels, advice=RAISE_CAP)
    source = source_of_index(index, opened.facts, parser, device)
    opened.facts.require_fingerprint(source.fingerprint, folder=index)
    segments = source(image_HWC, name=image.stem)
    position = segments.at(*point) if point is not None else segment
    require_position(position, len(segments), image)
    found = nearest_segments(
        opened,
        segments.vector_ND[position],
        top=top,
        class_index=class_index,
        not_content_hash=content_hash(image) if not_image else None,
        images=in_images,
    )
    names = opened.facts.taxonomy.object_names
    asked = {
        "image": str(image),
        "segment": position,
        "class": names[int(segments.class_index_N[position])],
        "box_xyxy": segments.box_N4[position].tolist(),
        "area_pixels": int(segments.area_N[position]),
    }
    if as_json:
        answer = {"index": str(index), "query": asked, "found": [described(one) for one in found]}
        typer.echo(json.dumps(without_surrogates(answer), ensure_ascii=False, indent=2))
        return
    limits = [f"of the class {class_name}"] if class_name is not None else []
    limits += [f"of {', '.join(map(printable, in_images))}"] if in_images else []
    limits += ["not of this photograph"] if not_image else []
    _write_page(out, image, image_HWC, asked, found, opened.facts, limits)
    if not found:
        typer.echo("no segment of the index fits what was asked")
    for one in found[:5]:
        typer.echo(
            f"{one.distance:.3f}  {one.class_name}  {printable(one.image)}  at {one.box_xyxy[0]},{one.box_xyxy[1]}"
        )
    typer.echo(str(out / "index.html"))


def require_position(position: int | None, num_segments: int, image: Path) -> None:
    from mereo.errors import BadInput

    if position is None or position >= num_segments:
        raise BadInput(
            f"--segment must be below {num_segments}, the segments of {image.name}, but got {position}; 0 is the "
            "largest."
        )


def require_known_images(index: "SegmentIndex", images: list[str]) -> None:
    from mereo.errors import BadInput, did_you_mean

    known = index.images()
    for image in images:
        if image not in known:
            hint = did_you_mean(image, list(known), otherwise="names are relative to the indexed folder.")
            raise BadInput(f"--image must be a photograph of the index, but got {image!r:.200}; {hint}")


def class_index_of(facts: "IndexFacts", name: str) -> int:
    from mereo.errors import BadInput, did_you_mean

    names = list(facts.taxonomy.object_names)
    if name in names:
        return names.index(name)
    hint = did_you_mean(name, names)
    raise BadInput(f"--class must be a class of the index's parser, but got {name!r:.80}; {hint}")


def described(found: "FoundSegment") -> dict[str, Any]:
    """Without the thumbnail."""
    return {
        "distance": round(found.distance, 6),
        "image": found.image,
        "content_hash": found.content_hash,
        "segment": found.segment,
        "class": found.class_name,
        "box_xyxy": list(found.box_xyxy),
        "area_pixels": found.area_pixels,
        "image_size": [found.width, found.height],
    }


def _write_page(
    out: Path,
    image: Path,
    image_HWC: Any,
    asked: dict[str, Any],
    found: "list[FoundSegment]",
    facts: "IndexFacts",
    limits: list[str],
) -> None:
    from mereo.drawing.neighbour_page import ShownSegment, write_neighbour_page
    from mereo.drawing.segment_thumbnail import segment_thumbnail
    from mereo.version import VERSION

    names = list(facts.taxonomy.object_names)
    box = tuple(asked["box_xyxy"])
    query = ShownSegment(
        thumbnail=segment_thumbnail(image_HWC, box, max_side=480),
        box_xyxy=box,
        image_size=image_HWC.shape[:2],
        class_index=names.index(asked["class"]),
        image=image.name,
    )
    write_neighbour_page(
        out,
        query=query,
        found=[shown(one) for one in found],
        taxonomy=facts.taxonomy,
        limits=limits,
        notes=[f"Made with Mereo {VERSION}. Vectors: {Path(facts.parser).name}."],
    )


def shown(found: "FoundSegment") -> "ShownSegment":
    from mereo.drawing.neighbour_page import ShownSegment

    return ShownSegment(
        thumbnail=found.thumbnail,
        box_xyxy=found.box_xyxy,
        image_size=(found.height, found.width),
        class_index=found.class_index,
        image=found.image,
        distance=found.distance,
    )
