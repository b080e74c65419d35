"""index.html of a map of segments: dots over their density, and each segment as one points at it."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import write_bytes
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.class_map_picture import draw_dots, draw_thumbnails, main_surroundings, map_size, places_on_map
from mereo.drawing.legend import percent
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import write_picture
from mereo.picture_sizes import scaled_size
from mereo.text_lines import printable

PAGE = PageTemplate(__file__)
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
    dots_HWC = draw_dots(position_N2, main_N, colours_K3)
    thumbnails_HWC = draw_thumbnails(position_N2, main_N, thumbnails, colours_K3)
    # Without loss: flat colours and thin rings fray in a JPEG.
    write_bytes(folder / "dots.png", picture_bytes(dots_HWC, "PNG"))
    write_bytes(folder / "thumbnails.png", picture_bytes(thumbnails_HWC, "PNG"))
    sheet_HWC, columns, sizes = thumbnail_sheet(thumbnails)
    sheet = write_picture(folder / "sheet", sheet_HWC)
    height, width = map_size(position_N2)
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
    return PAGE.write(
        folder / "index.html",
        title=f"Map of {name}",
        summary=f"{shown} segments; near each other where their vectors are alike (t-SNE)",
        notes=notes,
        rules=colour_rules(range(taxonomy.num_objects), colours_K3.tolist()),
        script=PAGE.script(),
        data=data,
        sheet=relative_link(Path(sheet).name),
        width=str(width),
        height=str(height),
        name=escaped(name),
        legend=_legend(main_N, taxonomy),
    )


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
