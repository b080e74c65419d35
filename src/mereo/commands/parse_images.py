"""The work behind `mereo parse`: one image after the other, each in memory alone, then the page and the report."""

import platform
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mereo.atomic_files import write_json
from mereo.commands.input_images import InputImages
from mereo.commands.made_with import made_with, terms_of
from mereo.commands.pixel_caps import RAISE_OR_TILE
from mereo.data.pictures.image_bands import ArrayBands, open_bands
from mereo.data.pictures.image_reading import read_image
from mereo.drawing.file_stems import UniqueStems
from mereo.drawing.large_parse_files import save_bands_for_page
from mereo.drawing.panoptic_file import write_panoptic_file
from mereo.drawing.parse_files import ParsedImage, SkippedImage, save_for_page
from mereo.drawing.parse_page import write_parse_page
from mereo.errors import BadInput
from mereo.parser.asking.tiled_parsing import AUTO_TILE, TileSide, label_bands, tile_side_for
from mereo.parser.asking.tiled_things import said_of_bands
from mereo.parser.preprocessing import working_size
from mereo.text_lines import printable, without_surrogates
from mereo.version import VERSION


@dataclass(frozen=True)
class ParseSettings:
    """`size`: longer side in pixels, "full", or None for the parser's own."""

    scales: tuple[float, ...]
    flip: bool
    size: int | str | None
    tile: TileSide | None
    max_pixels: int
    stops_on_bad: bool
    unsure_below: float | None = None


class ParseRun:
    """`done` and `skipped` grow as the images pass; whatever stops the run, what is done can be looked at."""

    def __init__(self, parser: Any, parser_name: str, out: Path, settings: ParseSettings) -> None:
        self.parser, self.parser_name, self.out, self.settings = parser, parser_name, out, settings
        self.done: list[ParsedImage] = []
        self.skipped: list[SkippedImage] = []
        self._stems = UniqueStems()
        self._console = Console(stderr=True, highlight=False)

    def parse_all(self, inputs: InputImages) -> None:
        is_finished = False
        try:
            for what, reason in inputs.missing:
                self._bad(SkippedImage(what, reason))
            columns = (TextColumn("parsing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            is_hidden = not self._console.is_terminal
            with Progress(*columns, console=self._console, disable=is_hidden, transient=True) as progress:
                for path in progress.track(inputs.paths):
                    try:
                        self.done.append(self._parsed(path))
                    except BadInput as error:
                        self._bad(SkippedImage(str(path), str(error)))
            is_finished = True
        finally:
            # Ctrl-C, a full disk: the page shows what there is. All bad: nothing is written.
            if self.done:
                self._write_summary(is_finished=is_finished)

    def _parsed(self, path: Path) -> ParsedImage:
        settings = self.settings
        options: dict[str, Any] = {"scales": settings.scales, "flip": settings.flip}
        if settings.unsure_below is not None:
            options["with_confidence"] = True
        if settings.tile is None:
            image_HWC = read_image(path, max_pixels=settings.max_pixels, advice=RAISE_OR_TILE)
        else:
            bands = open_bands(path, max_pixels=settings.max_pixels, advice=RAISE_OR_TILE)
            if not isinstance(bands, ArrayBands):
                size = working_size(bands.size, settings.size if isinstance(settings.size, int) else None)
                labels = label_bands(
                    self.parser, bands, size, tile=tile_side_for(size, settings.tile) or AUTO_TILE, **options
                )
                return save_bands_for_page(
                    bands,
                    labels,
                    self.out,
                    stem=self._stems.take(path.stem),
                    source=str(path),
                    name=path.stem,
                    taxonomy=self.parser.taxonomy,
                    unsure_below=settings.unsure_below,
                    familiarity_of=partial(said_of_bands, self.parser),
                )
            image_HWC = bands.image_HWC
            options["tile"] = settings.tile
        side = max(image_HWC.shape[:2]) if settings.size == "full" else settings.size
        parse = self.parser.parse(image_HWC, name=path.stem, working_side=side, **options)
        stem = self._stems.take(path.stem)
        return save_for_page(parse, self.out, stem=stem, source=str(path), unsure_below=settings.unsure_below)

    def _bad(self, one: SkippedImage) -> None:
        source, reason = printable(one.source), printable(one.reason)
        if self.settings.stops_on_bad:
            raise BadInput(f"every image must be readable with --on-bad stop, but got {source}: {reason}")
        self.skipped.append(one)
        self._console.print(f"skipped {source}: {reason}", markup=False, emoji=False, soft_wrap=True)

    def _write_summary(self, *, is_finished: bool) -> None:
        taxonomy = self.parser.taxonomy
        terms = terms_of(self.parser)
        report = {
            "mereo": VERSION,
            "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
            "parser": {"name": self.parser_name, "terms": terms},
            "settings": asdict(self.settings),
            "is_finished": is_finished,
            "taxonomy": {"name": taxonomy.name, "classes": taxonomy.object_names},
            "images": [image.to_dict() for image in self.done],
            "skipped": [one.to_dict() for one in self.skipped],
        }
        write_panoptic_file(self.out, self.done, taxonomy)
        write_json(self.out / "report.json", without_surrogates(report))
        notes = made_with(terms)
        if not is_finished:
            notes.append("The run was stopped before its end.")
        write_parse_page(
            self.out / "index.html",
            self.done,
            self.skipped,
            taxonomy=taxonomy,
            parser_name=Path(self.parser_name).name,
            notes=notes,
        )
