"""index.html for a folder of parses: one page that needs no network and no server, only the pictures beside it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mereo.data.taxonomy import REST, Taxonomy
from mereo.drawing.hover_map import HoverMap, hover_script
from mereo.drawing.legend import percent
from mereo.drawing.lettering import in_words
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import ParsedImage, SkippedImage
from mereo.drawing.task_maps import TITLES, title_of
from mereo.text_lines import printable

PAGE = PageTemplate(__file__)
# A page of thousands of images must still open: beyond this the maps for pointing are left out, the pictures stay.
MAX_HOVER_BYTES = 8_000_000
MAX_SEGMENTS_SHOWN = 400
DERIVED_WORDS = "Derived: learned from labels that nobody drew, but that follow from other classes."


def write_parse_page(
    path: str | Path,
    images: Sequence[ParsedImage],
    skipped: Sequence[SkippedImage],
    *,
    taxonomy: Taxonomy,
    parser_name: str,
    notes: Sequence[str] = (),
    max_hover_bytes: int = MAX_HOVER_BYTES,
) -> Path:
    """`notes` are sentences for the page's foot (version, terms of use)."""
    names = short_names([image.source for image in images] + [one.source for one in skipped])
    count = f"{len(images)} image{'s' if len(images) != 1 else ''}"
    skipped_count = f", {len(skipped)} skipped" if skipped else ""
    return PAGE.write(
        path,
        title=f"{count} parsed{skipped_count}",
        summary=f'Parser <strong>{escaped(parser_name)}</strong> · <a href="report.json">report.json</a>',
        notes=notes,
        rules=_colour_rules(taxonomy, images),
        script=hover_script() + PAGE.script(),
        data=_page_data(images, names, taxonomy, max_hover_bytes),
        task_views=_task_views(images),
        filters=_filters(images, taxonomy),
        cards="\n".join(_card(image, names[image.source]) for image in images),
        skipped=_skipped(skipped, names),
    )


def found_in_words(image: ParsedImage, *, most: int = 4) -> str:
    """The largest classes: "road 31 %, sky 20 %"."""
    shares: dict[str, float] = {}
    for segment in image.segments:
        shares[segment.name] = shares.get(segment.name, 0.0) + segment.share
    largest = sorted(shares.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{in_words(name)} {percent(share)}" for name, share in largest)


def short_names(sources: Sequence[str]) -> dict[str, str]:
    """Each path without the folder that all share: what a reader needs to tell the images apart.

    >>> short_names(["in/a/1.jpg", "in/b/1.jpg"])
    {'in/a/1.jpg': 'a/1.jpg', 'in/b/1.jpg': 'b/1.jpg'}
    """
    folders = {os.path.dirname(os.path.abspath(source)) for source in sources}
    try:
        shared = os.path.commonpath(folders) if folders else ""
    except ValueError:  # Two drives of Windows share nothing.
        return {source: source for source in sources}
    return {source: os.path.relpath(os.path.abspath(source), shared) for source in sources}


def _colour_rules(taxonomy: Taxonomy, images: Sequence[ParsedImage]) -> str:
    present = sorted({segment.class_index for image in images for segment in image.segments})
    rules = [colour_rules(present, taxonomy.objects.colours_K3[present].tolist())]
    for task in _tasks_of(images):
        shares = (one.shares for image in images for one in image.tasks if one.task == task)
        present = sorted({index for of_image in shares for index, _ in of_image})
        colours_K3 = getattr(taxonomy, task).colours_K3
        rules.append(colour_rules(present, colours_K3[present].tolist(), prefix=f"{task}-"))
    return "\n".join(rules)


def _tasks_of(images: Sequence[ParsedImage]) -> list[str]:
    """Those that some image has, in the order of their buttons."""
    found = {one.task for image in images for one in image.tasks}
    return [task for task in TITLES if task in found]


def _task_views(images: Sequence[ParsedImage]) -> str:
    return "".join(
        f'<label data-task="{task}"><input type="radio" name="view" value="{task}">'
        f"<span>{TITLES[task]}</span></label>\n"
        for task in _tasks_of(images)
    )


def _page_data(
    images: Sequence[ParsedImage], names: dict[str, str], taxonomy: Taxonomy, max_hover_bytes: int
) -> dict[str, Any]:
    entries, budget = [], _Budget(max_hover_bytes)
    for image in images:
        hover = image.hover if len(image.segments) <= MAX_SEGMENTS_SHOWN else None
        entries.append(
            {
                "name": printable(names[image.source]),
                "width": image.size[1],
                "height": image.size[0],
                "warnings": [printable(text) for text in image.warnings],
                "scene": _scene(image),
                "found": found_in_words(image),
                "photograph": relative_link(image.photograph),
                "overlay": relative_link(image.overlay),
                "labels": relative_link(image.labels),
                "segments": [
                    [segment.class_index, round(segment.share, 5), segment.instance_id]
                    for segment in image.segments[:MAX_SEGMENTS_SHOWN]
                ],
                "hover": budget.spent_on(hover),
                "tasks": {
                    one.task: {
                        "labels": relative_link(one.labels),
                        "classes": [[index, round(share, 5)] for index, share in one.shares],
                        "hover": budget.spent_on(one.hover),
                    }
                    for one in image.tasks
                },
            }
        )
    tasks = {
        task: {
            "title": title_of(task, taxonomy),
            "about": DERIVED_WORDS if task in taxonomy.derived else "",
            "classes": [_told(task, name) for name in getattr(taxonomy, task).names],
        }
        for task in _tasks_of(images)
    }
    return {"classes": [in_words(name) for name in taxonomy.object_names], "tasks": tasks, "images": entries}


def _told(task: str, name: str) -> str:
    return "no part" if (task, name) == ("parts", REST) else in_words(name)


class _Budget:
    """Maps for pointing, as long as there is room for them."""

    def __init__(self, num_bytes: int) -> None:
        self.left = num_bytes

    def spent_on(self, hover: HoverMap | None) -> list[int | str] | None:
        self.left -= len(hover.runs) if hover else 0
        return [*hover.size, hover.runs] if hover and self.left >= 0 else None


def _scene(image: ParsedImage) -> str:
    scene: str = image.description.get("scene", "")
    return f"{scene} (derived)" if scene and "scenes" in image.description.get("derived", ()) else scene


def _filters(images: Sequence[ParsedImage], taxonomy: Taxonomy) -> str:
    """One button a class, the most frequent first, with the number of images that show it."""
    counts: dict[int, int] = {}
    for image in images:
        for index in {segment.class_index for segment in image.segments}:
            counts[index] = counts.get(index, 0) + 1
    return "".join(
        f'<button type="button" aria-pressed="false" data-k="{index}"><span class="swatch k{index}"></span>'
        f'{escaped(in_words(taxonomy.object_names[index]))} <span class="number">{count}</span></button>'
        for index, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _card(image: ParsedImage, name: str) -> str:
    name, found = escaped(name), escaped(found_in_words(image))
    warned = "".join(f'<span class="warned">{escaped(_sentence(text))}</span>' for text in image.warnings)
    bars, left = [], 0.0
    for segment in image.segments[:12]:
        bars.append(
            f'<rect class="k{segment.class_index}" x="{left:.2f}" width="{100 * segment.share:.2f}" height="4"/>'
        )
        left += 100 * segment.share
    return (
        f'<li><a href="{relative_link(image.overlay)}" title="{name}">'
        f'<img src="{relative_link(image.thumbnail)}" loading="lazy" decoding="async" width="320" height="240" '
        f'alt="Overlay of {name}: {found}">'
        f'<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}</svg>'
        f'<span class="name">{name}</span><span class="found quiet">{found}</span>{warned}</a></li>'
    )


def _sentence(text: str) -> str:
    """
    >>> _sentence("this picture is odd"), _sentence("")
    ('This picture is odd.', '')
    """
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _skipped(skipped: Sequence[SkippedImage], names: dict[str, str]) -> str:
    if not skipped:
        return ""
    rows = "".join(
        f'<li><strong>{escaped(names[one.source])}</strong><br><span class="quiet">{escaped(one.reason)}</span></li>'
        for one in skipped
    )
    return f'<section id="skipped" aria-label="Skipped"><h2>Skipped ({len(skipped)})</h2><ul>{rows}</ul></section>'
