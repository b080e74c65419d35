"""A parse that comes in bands, on disk: a tiled TIFF of labels at full size, and pictures of an overview."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.assembly.label_bands import BandedSegments, LabelBand
from mereo.assembly.parse import Parse
from mereo.data.pictures.image_bands import ImageBands
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.hover_map import hover_map
from mereo.drawing.label_tiff import label_tiff
from mereo.drawing.overlay import draw_overlay
from mereo.drawing.parse_files import (
    MAX_OVERLAY_SIDE,
    MAX_THUMBNAIL_SIDE,
    ParsedImage,
    described_familiarity,
    described_segments,
    reduced,
    write_picture,
)


def save_bands_for_page(
    bands: ImageBands,
    labels: Iterable[LabelBand],
    folder: str | Path,
    *,
    stem: str,
    source: str,
    name: str,
    taxonomy: Taxonomy,
    unsure_below: float | None = None,
    familiarity_of: Callable[[np.ndarray], tuple[float | None, tuple[str, ...]]] | None = None,
) -> ParsedImage:
    """Segments are counted over the whole picture; overlay, photograph and hover map show it at up to 4096 pixels, and
    that is what `familiarity_of` sees of it, which gives its distance from what the parser knows, and warnings."""
    folder = Path(folder)
    segments = BandedSegments(taxonomy, bands.size)
    overview = Overview(bands)
    unsure_pixels = 0
    path = folder / "labels" / f"{stem}.tif"
    with label_tiff(path, bands.size, taxonomy.objects.colours_K3) as tiff:
        for band in labels:
            tiff.write(band.label_HW)
            segments.add(band)
            overview.add(band)
            if unsure_below is not None and band.confidence_HW is not None:
                unsure_pixels += int((band.confidence_HW < unsure_below).sum())
    small = overview.parse(taxonomy, name=name)
    unsure_HW = None if unsure_below is None else small.unsure(unsure_below)
    overlay = write_picture(folder / "overlays" / stem, draw_overlay(small, unsure_HW=unsure_HW))
    photograph = write_picture(folder / "photographs" / stem, small.image_HWC)
    thumbnail_HWC = draw_overlay(reduced(small, MAX_THUMBNAIL_SIDE), has_names=False)
    thumbnail = write_picture(folder / "thumbnails" / stem, thumbnail_HWC)
    height, width = bands.size
    description = {"name": name, "width": width, "height": height, "overview": {"reduced_by": overview.factor}}
    if familiarity_of is not None:
        description |= described_familiarity(*familiarity_of(small.image_HWC))
    if unsure_below is not None:
        description["unsure"] = {"below": unsure_below, "share": round(unsure_pixels / (height * width), 6)}
    return ParsedImage(
        source=source,
        size=bands.size,
        description={**description, "segments": described_segments(segments.segments)},
        segments=segments.segments,
        labels=path.relative_to(folder).as_posix(),
        overlay=overlay.relative_to(folder).as_posix(),
        photograph=photograph.relative_to(folder).as_posix(),
        thumbnail=thumbnail.relative_to(folder).as_posix(),
        hover=hover_map(small, segments=segments.segments),
    )


class Overview:
    """The picture reduced by a whole number to at most 4096 pixels, put together as its bands pass."""

    def __init__(self, bands: ImageBands) -> None:
        self.bands = bands
        self.factor = -(-max(bands.size) // MAX_OVERLAY_SIDE)
        self._labels: list[np.ndarray] = []
        self._confidences: list[np.ndarray] = []
        self._images: list[np.ndarray] = []
        self._next_row = 0

    def add(self, band: LabelBand) -> None:
        (height, width), factor = self.bands.size, self.factor
        bottom = band.top + len(band.label_HW)
        middle_y, middle_x = (
            np.minimum(np.arange(0, length, factor) + factor // 2, length - 1) for length in (height, width)
        )
        in_band = (middle_y >= band.top) & (middle_y < bottom)
        grid = np.ix_(middle_y[in_band] - band.top, middle_x)
        self._labels.append(band.label_HW[grid])
        if band.confidence_HW is not None:
            self._confidences.append(band.confidence_HW[grid])
        stop = height if bottom == height else bottom // factor * factor
        if stop > self._next_row:
            rows_HW3 = np.ascontiguousarray(self.bands.read(self._next_row, stop))
            self._images.append(np.asarray(Image.fromarray(rows_HW3).reduce(factor)) if factor > 1 else rows_HW3)
            self._next_row = stop

    def parse(self, taxonomy: Taxonomy, *, name: str) -> Parse:
        confidence = np.concatenate(self._confidences) if self._confidences else None
        image_HWC, label_HW = np.concatenate(self._images), np.concatenate(self._labels)
        return Parse(image_HWC, label_HW, taxonomy, name=name, confidence=confidence)
