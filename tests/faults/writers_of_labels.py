"""Writers of painted labels, of recipes that train on them, and of lists of files; each with what is there before."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from writers_of_answers import small_parse

from mereo.commands.data_prepare import write_recipe
from mereo.commands.init import write_recipe_of_described
from mereo.data.file_manifest import FileFacts, write_manifest
from mereo.data.prepared_sources import prepared_sources
from mereo.retrieval.index_checksums import forget_files, note_files
from mereo.web.saved_labels import LabelRegion, save_labels


@lru_cache(maxsize=4)
def painted(number: int) -> Any:
    """Another photograph for each number."""
    image_HWC = np.full_like(small_parse().image_HWC, number)
    return image_HWC, [LabelRegion(small_parse().taxonomy.object_names[1], image_HWC[..., 0] == number)]


def save_labels_of(folder: Path, number: int) -> None:
    image_HWC, regions = painted(number)
    save_labels(folder, name="a.jpg", image_HWC=image_HWC, parse=small_parse(), regions=regions, keep_parse=False)


def save_labels_of_two(folder: Path) -> None:
    save_labels_of(folder, 0)
    save_labels_of(folder, 1)


def write_recipe_of_data(folder: Path) -> None:
    write_recipe(prepared_sources(folder / "mereo_labels"), folder / "recipe.yaml", name="labels")


def list_one_file(folder: Path) -> None:
    write_manifest(folder / "manifest.json", {"a.jpg": FileFacts(sha256="0" * 64, size=1, changed_ns=2)})


def put_a_table(folder: Path) -> None:
    (folder / "t").mkdir()
    (folder / "t" / "a.lance").write_bytes(b"a")


def put_a_noted_table(folder: Path) -> None:
    put_a_table(folder)
    note_files(folder, "t")


WRITERS_OF_LABELS = {
    "checksums of an index": (lambda folder: note_files(folder, "t"), put_a_table),
    "forgotten checksums": (forget_files, put_a_noted_table),
    "first labels": (lambda folder: save_labels_of(folder, 0), lambda folder: None),
    "second labels": (lambda folder: save_labels_of(folder, 1), lambda folder: save_labels_of(folder, 0)),
    "recipe of data": (write_recipe_of_data, save_labels_of_two),
    "manifest of data": (list_one_file, lambda folder: None),
    "recipe for labels": (lambda folder: write_recipe_of_described(folder / "mereo_labels"), save_labels_of_two),
}
