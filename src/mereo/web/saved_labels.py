"""Painted regions become a label map beside the photographs, in a folder that `mereo train` takes as it is."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.pictures.pictures_below import LABELS_FOLDER
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput, did_you_mean
from mereo.run_files import RECIPE_FILE
from mereo.shapes import require_image
from mereo.web.label_folder import put_label


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class LabelRegion:
    """What somebody painted: H W bool, and the name of its class."""

    class_name: str
    mask_HW: np.ndarray


def save_labels(
    folder: Path,
    *,
    name: str,
    image_HWC: np.ndarray,
    parse: Parse,
    regions: Sequence[LabelRegion],
    keep_parse: bool,
    keep: bool = True,
    parser: str | None = None,
) -> dict[str, Any]:
    """Into FOLDER/mereo_labels, as `label_folder` says; what a client is told. Of the picture's file nothing is kept
    but its pixels and its name.

    `keep`: where nothing is painted now, what was painted and saved before stays. `keep_parse`: what then still has no
    label gets the parse's. `parser` is the built-in one whose answers are corrected: what is trained starts from it.
    """
    require_image(image_HWC, name=name)
    if image_HWC.shape[:2] != parse.size:
        raise BadInput(
            f"a photograph must have the size of its parse {parse.size[1]}x{parse.size[0]}, but got "
            f"{image_HWC.shape[1]}x{image_HWC.shape[0]}; parse it anew."
        )
    taxonomy = parse.taxonomy
    painted_HW = painted_labels(parse, regions)
    beneath_HW = parse.semantic.astype(np.int32) if keep_parse else None
    if all(one is None or (one == taxonomy.ignore_index).all() for one in (painted_HW, beneath_HW)):
        raise BadInput("labels must have at least one pixel, but got none; paint a region first.")
    labels = folder / LABELS_FOLDER
    put = put_label(
        labels,
        name=name,
        image_HWC=image_HWC,
        painted_HW=painted_HW,
        beneath_HW=beneath_HW,
        keep=keep,
        taxonomy=taxonomy,
    )
    area_K = np.bincount(put.label_HW.ravel(), minlength=taxonomy.ignore_index + 1)
    order_K = np.argsort(-area_K[: taxonomy.num_objects], kind="stable")
    shares = [[taxonomy.object_names[k], float(area_K[k] / painted_HW.size)] for k in order_K if area_K[k]]
    return {
        "saved": {
            "name": put.stem,
            "replaced": put.replaced,
            "classes": shares,
            "unlabelled": float(area_K[taxonomy.ignore_index] / painted_HW.size),
            "next": next_commands(labels, num_photographs=put.num_photographs, parser=parser),
        }
    }


def painted_labels(parse: Parse, regions: Sequence[LabelRegion]) -> np.ndarray:
    """H W int32: later regions over earlier ones. What nobody painted is unlabelled."""
    taxonomy = parse.taxonomy
    label_HW = np.full(parse.size, taxonomy.ignore_index, dtype=np.int32)
    for region in regions:
        if region.mask_HW.shape != parse.size or region.mask_HW.dtype != bool:
            raise BadInput(
                f"a painted region must be true or false for each pixel of {parse.size[1]}x{parse.size[0]}, but got "
                f"{region.mask_HW.dtype} of shape {region.mask_HW.shape}; paint it on this photograph."
            )
        label_HW[region.mask_HW] = class_index_of(taxonomy, region.class_name)
    return label_HW


def class_index_of(taxonomy: Taxonomy, name: str) -> int:
    names = taxonomy.object_names
    if name in names:
        return names.index(name)
    hint = did_you_mean(name, names)
    raise BadInput(f"a class must be one of the parser's objects, but got {name!r:.80}; {hint}")


def next_commands(labels: Path, *, num_photographs: int, parser: str | None = None) -> list[str]:
    """What trains on the folder, line by line for a shell, from where the service was started."""
    if num_photographs < 2:
        return ["# Save one more photograph first: one to learn from, one to measure on."]
    where, recipe = shlex.quote(str(labels)), shlex.quote(str(labels / RECIPE_FILE))
    start_from = "" if parser is None else f" --start-from {parser}"
    start = [] if (labels / RECIPE_FILE).exists() else [f"mereo init {where}{start_from}"]
    return [f"mereo data check {where}", *start, f"mereo train {recipe}"]
