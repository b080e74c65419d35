"""index.html of a map of segments: dots over their density, and each segment as one points at it."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import write_bytes, write_text
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.class_map_picture import draw_dots, draw_thumbnails, main_surroundings, map_size, places_on_map
from mereo.drawing.legend import percent
from mereo.drawing.page_parts import (
    basic_style,
    colour_rules,
    escaped,
    filled,
    page_head,
    relative_link,
    script_data,
)
from mereo.drawing.parse_files import write_picture
from mereo.drawing.text_lines import printable
from mereo.picture_sizes import scaled_size

TEMPLATE = Path(__file__).with_name("class_map_page.html")
CELL = 80
MOST_NAMED = 3


def write_class_map_page(
    folder: str | Path,
    *,
    class_index: int,
    num_segments: int,
    position_N2: np.ndarray,
    share_NK: np.ndarray,
    images: Sequence[str],
    thumbnails: Sequence[bytes],
    taxonomy: Taxonomy,
    notes: Sequence[str] = (),
) -> Path:
    """The pictures `dots` and `thumbnails`, a sheet of all thumbnails to point at, and the page over them."""
    folder, name = Path(folder), taxonomy.object_names[class_index]
    colours_K3 = taxonomy.objects.colours_K3
    main_N = main_surroundings(share_NK, class_index)
    _write_png(folder / "dots.png", draw_dots(position_N2, main_N, colours_K3))
    _write_png(folder / "thumbnails.png", draw_thumbnails(position_N2, main_N, thumbnails, colours_K3))
    sheet_HWC, columns, sizes = thumbnail_sheet(thumbnails)
    sheet = write_picture(folder / "sheet", sheet_HWC)
    height, width = map_size(position_N2)
    style = basic_style() + _part(".css").replace(
        "{{colours}}", colour_rules(range(taxonomy.num_objects), colours_K3.tolist())
    )
    script = _part(".js")
    data = {
        "width": width,
        "height": height,
        "cell": CELL,
        "columns": columns,
        "classes": list(taxonomy.object_names),
        "segments": [
            [round(float(x), 1), round(float(y), 1), int(main), printable(image), _largest(share_K), size]
            for (x, y), main, image, share_K, size in zip(
                places_on_map(position_N2), main_N, images, share_NK, sizes, strict=True
            )
        ],
    }
    shown = f"all {num_segments:,}" if num_segments == len(images) else f"{len(images):,} of {num_segments:,}"
    values = {
        "head": page_head(
            f"Map of {name}",
            summary=f"{shown} segments; near each other where their vectors are alike (t-SNE)",
            style=style,
            script=script,
        ),
        "sheet": relative_link(Path(sheet).name),
        "width": str(width),
        "height": str(height),
        "name": escaped(name),
        "legend": _legend(main_N, taxonomy),
        "footer": "".join(f"<p>{escaped(note)}</p>" for note in notes),
        "data": script_data(data),
        "script": script,
    }
    write_text(folder / "index.html", filled(TEMPLATE.read_text(encoding="utf-8"), values))
    return folder / "index.html"


def thumbnail_sheet(thumbnails: Sequence[bytes]) -> tuple[np.ndarray, int, list[tuple[int, int]]]:
    """All thumbnails, each at the corner of a square cell, row by row; how many stand in a row; how large each is."""
    columns = int(np.ceil(np.sqrt(len(thumbnails))))
    sheet = Image.new("RGB", (columns * CELL, -(-len(thumbnails) // columns) * CELL), (24, 26, 30))
    sizes = []
    for number, content in enumerate(thumbnails):
        small = Image.open(io.BytesIO(content)).convert("RGB")
        small = small.resize(scaled_size(small.size, CELL / max(small.size)))
        row, column = divmod(number, columns)
        sheet.paste(small, (column * CELL, row * CELL))
        sizes.append(small.size)
    return np.asarray(sheet).copy(), columns, sizes


def _write_png(path: Path, picture_HWC: np.ndarray) -> None:
    """Without loss: flat colours and thin rings fray in a JPEG."""
    content = io.BytesIO()
    Image.fromarray(picture_HWC).save(content, format="PNG")
    write_bytes(path, content.getvalue())


def _part(suffix: str) -> str:
    return TEMPLATE.with_suffix(suffix).read_text(encoding="utf-8")


def _largest(share_K: np.ndarray) -> list[list[float]]:
    order = np.argsort(-share_K, kind="stable")[:MOST_NAMED].tolist()
    return [[index, round(float(share_K[index]), 4)] for index in order if share_K[index] > 0]


def _legend(main_N: np.ndarray, taxonomy: Taxonomy) -> str:
    """The classes that stand around, the most frequent first, with the share of segments that they are most of."""
    classes, counts = np.unique(main_N[main_N >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return "".join(
        f'<li><button type="button" aria-pressed="false" data-k="{classes[n]}"><span class="swatch k{classes[n]}">'
        f"</span><span>{escaped(taxonomy.object_names[classes[n]])}</span>"
        f'<span class="number">{percent(counts[n] / len(main_N))}</span></button></li>'
        for n in order.tolist()
    )
