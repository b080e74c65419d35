"""What `mereo init` finds out about a labelled folder: where images and labels lie, which splits, which ids."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mereo.counter_random import counter_seed
from mereo.data.data_check import pixels_of_each_id
from mereo.data.formats.file_pairing import files_by_stem
from mereo.data.formats.folder_layout import FolderLayout, find_layout
from mereo.data.label_reading import LOSSLESS_FORMATS, holds_colours, read_raw_label
from mereo.data.pictures.image_reading import image_size
from mereo.errors import BadInput

VAL_SHARE = 0.1
USUAL_IGNORED_ID = 255
MAX_CLASSES = 1000
# labelme and others write the names of classes beside the folders, one a line, in the order of ids.
NAME_FILES = ("class_names.txt", "classes.txt", "labels.txt", "label_names.txt")


@dataclass(frozen=True)
class FolderInspection:
    """Patterns, splits and ids of a labelled folder; `split_lists` is set where folders do not tell splits apart."""

    root: Path
    layout: FolderLayout
    train_split: str
    val_split: str
    split_lists: dict[str, list[str]] | None
    is_colour_coded: bool
    pixels_of_raw: dict[int, int]
    ignored_ids: tuple[int, ...]
    names: dict[int, str]
    num_images: dict[str, int]
    median_size: tuple[int, int]


def inspect_folder(
    root: str | Path, *, seed: int = 0, on_progress: Callable[[int, int], None] | None = None
) -> FolderInspection:
    root = Path(root)
    if not root.is_dir():
        raise BadInput(f"a labelled folder must be a folder, but got none in {root}; check the path.")
    layout = find_layout(root)
    stems_of_split = {split: _paired_stems(root, layout, split) for split in layout.splits}
    label_files = [file for pairs in stems_of_split.values() for _, file in pairs.values()]
    is_colour_coded = any(holds_colours(file) for file in label_files)
    pixels: Counter[int] = Counter()
    for number, file in enumerate(label_files):
        pixels.update(pixels_of_each_id(read_raw_label(file, is_colour_coded=is_colour_coded)))
        if len(pixels) > MAX_CLASSES:
            raise BadInput(
                f"labels must hold at most {MAX_CLASSES} different ids, but got more up to {file}; "
                f"save masks without smoothing, as {', '.join(LOSSLESS_FORMATS)}, or name the label folder 'labels'."
            )
        if on_progress is not None:
            on_progress(number + 1, len(label_files))
    train, val, lists = _splits(stems_of_split, seed)
    names = {} if is_colour_coded else _names_beside(root, set(pixels))
    sizes = sorted(image_size(image) for pairs in stems_of_split.values() for image, _ in list(pairs.values())[:200])
    return FolderInspection(
        root=root,
        layout=layout,
        train_split=train,
        val_split=val,
        split_lists=lists,
        is_colour_coded=is_colour_coded,
        pixels_of_raw=dict(sorted(pixels.items())),
        ignored_ids=() if is_colour_coded else proposed_ignored_ids(set(pixels), names),
        names=names,
        num_images={split: len(stems) for split, stems in (lists or stems_of_split).items()},
        median_size=sizes[len(sizes) // 2],
    )


def proposed_ignored_ids(ids: set[int], names: dict[int, str]) -> tuple[int, ...]:
    """255 carries no label where the other ids count up from 0 or 1; in a mask of only 0 and 255 it is the object.

    >>> [proposed_ignored_ids(ids, {}) for ids in ({0, 1, 2, 255}, {0, 255}, {0, 128, 255})]
    [(255,), (), ()]
    """
    others = sorted(ids - {USUAL_IGNORED_ID})
    counts_up = len(others) > 1 and others[0] <= 1 and others[-1] < USUAL_IGNORED_ID - 1
    is_dense = counts_up and len(others) >= (others[-1] - others[0] + 1) / 2
    return (USUAL_IGNORED_ID,) if USUAL_IGNORED_ID in ids and (is_dense or names) else ()


def _paired_stems(root: Path, layout: FolderLayout, split: str) -> dict[str, tuple[Path, Path]]:
    """Stem -> image and label, for images that have both."""
    images = files_by_stem(root, layout.images.replace("{split}", split))
    labels = files_by_stem(root, layout.semantic.replace("{split}", split))
    paired = {stem: (images[stem], labels[stem]) for stem in images if stem in labels}
    if not paired:
        raise BadInput(
            f"images and labels must be paired by stem, but got none of {len(images)} images and {len(labels)} "
            f"labels in {root} (images: {', '.join(list(images)[:5])}; labels: {', '.join(list(labels)[:5])}); "
            "rename them alike."
        )
    return paired


def _splits(
    stems_of_split: dict[str, dict[str, tuple[Path, Path]]], seed: int
) -> tuple[str, str, dict[str, list[str]] | None]:
    """Train and val by the folders' names; without a second folder, a seeded tenth of the images is for val."""
    splits = list(stems_of_split)
    if len(splits) > 1:
        return splits[0], splits[1], None
    stems = list(stems_of_split[splits[0]])
    if len(stems) < 2:
        raise BadInput(f"a labelled folder must hold at least two pairs, but got {len(stems)}; label some more images.")
    shuffled = sorted(stems, key=lambda stem: counter_seed(seed, "split", stem))
    num_val = max(1, round(VAL_SHARE * len(stems)))
    return "train", "val", {"train": sorted(shuffled[num_val:]), "val": sorted(shuffled[:num_val])}


def _names_beside(root: Path, ids: set[int]) -> dict[int, str]:
    path = next((root / name for name in NAME_FILES if (root / name).is_file()), None)
    if path is None:
        return {}
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"class names must be readable UTF-8 text, but got {error} in {path}; mend or remove it."
        ) from error
    # labelme's first line stands for id -1, which it saves as 255.
    lines = lines[1:] if lines and lines[0] == "__ignore__" else lines
    if len(set(lines)) < len(lines) or (ids - {USUAL_IGNORED_ID} and max(ids - {USUAL_IGNORED_ID}) >= len(lines)):
        raise BadInput(
            f"class names must be different and one for each id up to {max(ids - {USUAL_IGNORED_ID}, default=0)}, "
            f"but got {len(lines)} lines in {path}; mend or remove it."
        )
    return {index: name.strip("_") for index, name in enumerate(lines)}
