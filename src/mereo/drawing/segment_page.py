"""index.html of sorted segments: embedding, over-segmentation, a slider over the merges, the answer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.merging_history import MergingHistory
from mereo.assembly.smooth_labels import smooth_labels
from mereo.atomic_files import write_bytes
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.drawing import segment_words as words
from mereo.drawing.hover_map import encoded_runs, hover_script
from mereo.drawing.legend import percent
from mereo.drawing.merging_chart import merging_chart
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import write_picture
from mereo.drawing.segment_pictures import SegmentPictures, chosen_steps, segment_place

PAGE = PageTemplate(__file__)


def write_segment_page(
    folder: str | Path,
    pictures: SegmentPictures,
    *,
    name: str,
    point_xy: tuple[int, int] | None = None,
    segment: int | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """The page, its pictures, and segments.png, whose pixels hold the numbers of segments (from 1). `segment` is the
    one at the point that a person asked about."""
    folder, parse, history = Path(folder), pictures.parse, pictures.history
    taxonomy = parse.taxonomy
    mark = None if point_xy is None else _part_of_picture(point_xy, parse.size)
    figures = [
        _figure(folder / stem, picture_HWC, caption, about, alt, point=mark)
        for stem, caption, about, alt, picture_HWC in (
            (
                "photograph",
                "Photograph",
                f"{parse.size[1]} × {parse.size[0]} pixels",
                "The photograph",
                pictures.photograph_HWC,
            ),
            (
                "embedding",
                "Embedding",
                f"colours show {percent(float(pictures.colours.directions.share_C.sum()))} of its spread",
                "Every pixel in the colour of its embedding: alike embeddings have alike colours",
                pictures.embedding(),
            ),
            (
                "over_segmentation",
                "Over-segmentation",
                f"{words.counted(history.num_segments, 'segment')} in the colours of their classes",
                "The photograph cut into segments, each in the colour of its likeliest class",
                pictures.over_segmentation(),
            ),
            (
                "answer",
                "Answer",
                words.counted(len(history.class_G), "segment"),
                "The parse: things and stuff in the colours of their classes",
                pictures.answer(),
            ),
        )
    ]
    steps = [
        _step(folder / f"merging_{place}", pictures, step, taxonomy.object_names)
        for place, step in enumerate(chosen_steps(history.num_steps), start=1)
    ]
    write_bytes(folder / "segments.png", segment_numbers_png(history, parse.size))
    return PAGE.write(
        folder / "index.html",
        title=f"Segments of {name}",
        summary=escaped(words.way_in_words(history)),
        notes=(*_notes(pictures), *notes),
        rules=colour_rules(range(taxonomy.num_objects), taxonomy.objects.colours_K3.tolist()),
        script=hover_script() + PAGE.script(),
        data=_data(pictures, segment),
        pictures="\n".join(figures),
        classes=_classes(pictures),
        stop=escaped(words.stop_in_words(history)),
        chart=merging_chart(history),
        steps="\n".join(steps),
        asked="" if segment is None else _asked(history, segment, point_xy, taxonomy.object_names),
        photograph=relative_link("photograph.jpg"),
    )


def segment_numbers_png(history: MergingHistory, size: tuple[int, int]) -> bytes:
    """A 16-bit grey PNG at the photograph's size."""
    number_HW = smooth_labels(history.segment_hw.astype(np.uint16) + np.uint16(1), size)
    return picture_bytes(number_HW, "PNG")


def _figure(
    path: Path,
    picture_HWC: np.ndarray,
    caption: str,
    about: str,
    alt: str,
    *,
    point: tuple[float, float] | None = None,
) -> str:
    link, (height, width) = relative_link(write_picture(path, picture_HWC).name), picture_HWC.shape[:2]
    cross = ""
    if point is not None:
        x, y = point[0] * width, point[1] * height
        cross = (
            f'<svg class="mark" viewBox="0 0 {width} {height}" aria-hidden="true">'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width / 70:.1f}"/></svg>'
        )
    number = f'<span class="number">{escaped(about)}</span>' if about else ""
    return (
        f'<figure><a href="{link}"><img src="{link}" width="{width}" height="{height}" alt="{escaped(alt)}">{cross}</a>'
        f"<figcaption><b>{escaped(caption)}</b>{number}</figcaption></figure>"
    )


def _step(path: Path, pictures: SegmentPictures, step: int, names: Sequence[str]) -> str:
    picture_HWC = pictures.step(step)
    link = relative_link(write_picture(path, picture_HWC).name)
    about, (height, width) = words.step_in_words(pictures.history, step, names), picture_HWC.shape[:2]
    return (
        f'<li><a href="{link}" data-step="{step}"><img src="{link}" width="{width}" height="{height}" '
        f'alt="The things among the segments: {escaped(about)}"><span>{escaped(about)}</span></a></li>'
    )


def _asked(history: MergingHistory, segment: int, point_xy: tuple[int, int] | None, names: Sequence[str]) -> str:
    """What became of the segment that a person asked about; the page's script writes the same of any other."""
    where = "" if point_xy is None else f'<p class="quiet">At {point_xy[0]},{point_xy[1]}</p>'
    rows = "".join(
        f'<li><button type="button" data-step="{joining.step}">{escaped(words.joining_in_words(joining))}</button></li>'
        for joining in history.joinings(segment)
    )
    said = escaped(words.segment_in_words(history, segment, names))
    return f'{where}<p>{said}</p><ol class="joined">{rows}</ol>'


def _classes(pictures: SegmentPictures) -> str:
    """Every class on some picture, those of the answer first; how much of the answer is of it, and how many things."""
    parse, history = pictures.parse, pictures.history
    area_K = np.bincount(parse.semantic.ravel(), minlength=parse.taxonomy.num_objects).astype(np.float64)
    is_seen_K = (area_K > 0) | (np.bincount(history.class_S, minlength=len(area_K)) > 0)
    entries = []
    for index in np.argsort(-area_K, kind="stable").tolist():
        if is_seen_K[index]:
            things = int(((history.class_G == index) & (history.instance_G > 0)).sum())
            share = percent(float(area_K[index] / parse.semantic.size)) if area_K[index] else "not in the answer"
            number = f"{share}, {words.counted(things, 'thing')}" if things else share
            name = escaped(parse.taxonomy.object_names[index])
            entries.append(f'<li><span class="swatch k{index}"></span>{name}<span class="number">{number}</span></li>')
    return "".join(entries)


def _data(pictures: SegmentPictures, segment: int | None) -> dict[str, object]:
    """For the script. A merged group has the colour of its own prototype, so each merge brings one."""
    history, colours = pictures.history, pictures.colours
    names = pictures.parse.taxonomy.object_names
    sum_SD, merges = history.embedding_sum_SD.copy(), []
    for merge in history.merges:
        sum_SD[merge.kept] += sum_SD[merge.gone]
        merges.append(
            [merge.kept, merge.gone, merge.cosine, *_colour_numbers(colours.of(_directions(sum_SD[[merge.kept]])))]
        )
    height, width = pictures.size
    answer_S3 = colours.of(history.prototypes_after(history.num_steps))
    present = [int(index) for index in np.unique(np.concatenate([history.class_S, history.class_G]))]
    seeds = [] if history.is_seed_S is None else np.flatnonzero(history.is_seed_S).tolist()
    rows, columns = history.segment_hw.shape
    places = [segment_place(history.segment_hw, int(seed)) for seed in seeds]
    return {
        "map": [height, width, encoded_runs(pictures.segment_HW)],
        "classes": {
            index: [names[index], *_colour_numbers(pictures.parse.taxonomy.objects.colours_K3[[index]])]
            for index in present
        },
        "classOf": history.class_S.tolist(),
        "isThing": history.is_thing_S.astype(int).tolist(),
        "colours": _colour_numbers(colours.of(_directions(history.embedding_sum_SD))),
        "merges": merges,
        "group": history.group_S.tolist(),
        "groupClass": history.class_G.tolist(),
        "groupColours": _colour_numbers(answer_S3[np.unique(history.group_S, return_index=True)[1]]),
        "about": [words.segment_in_words(history, one, names) for one in range(history.num_segments)],
        "seeds": [[round(x / columns, 4), round(y / rows, 4)] for x, y in places],
        "chosen": segment,
    }


def _directions(sum_SD: np.ndarray) -> np.ndarray:
    directions_SD: np.ndarray = sum_SD / np.maximum(np.linalg.norm(sum_SD, axis=1, keepdims=True), 1e-12)
    return directions_SD


def _colour_numbers(colour_N3: np.ndarray) -> list[int]:
    """red << 16 | green << 8 | blue."""
    wide_N3 = colour_N3.astype(int)
    numbers: list[int] = (wide_N3[:, 0] << 16 | wide_N3[:, 1] << 8 | wide_N3[:, 2]).tolist()
    return numbers


def _part_of_picture(point_xy: tuple[int, int], size: tuple[int, int]) -> tuple[float, float]:
    return (point_xy[0] + 0.5) / size[1], (point_xy[1] + 0.5) / size[0]


def _notes(pictures: SegmentPictures) -> list[str]:
    rows, columns = pictures.history.segment_hw.shape
    light, yellow, red = (percent(float(share)) for share in pictures.colours.directions.share_C)
    return [
        "Colours of embeddings: dark to light is the direction along which they spread most "
        f"({light} of the spread), blue to yellow the second ({yellow}), green to red the third ({red}). They mean "
        "nothing across pictures.",
        "Two segments are as far apart as the angle between their prototypes, the directions of the sums of their "
        "pixels' embeddings; a merged segment's prototype is that of all its pixels. Stuff does not merge by angle: "
        f"its class decides. Embeddings stand on a grid of {columns} × {rows} cells.",
    ]
