"""Where images and labels lie in a folder that nobody described: folders told by their names, files by their stems."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from mereo.data.pictures.image_reading import SUFFIXES
from mereo.errors import BadInput

TRAIN_WORDS = ("train", "training")
VAL_WORDS = ("val", "valid", "validation", "dev", "test", "testing")
IMAGE_WORDS = ("image", "img", "photo", "picture", "rgb", "input", "leftimg8bit", "frame")
LABEL_WORDS = ("label", "mask", "annotation", "seg", "semantic", "groundtruth", "ground_truth", "gt", "target", "part")
INSTANCE_WORDS = ("instance", "segmentationobject", "inst")
SHOWN = 5


@dataclass(frozen=True)
class FolderLayout:
    """Patterns as in mereo.yaml. `splits` holds folder names, training first; one entry: nothing to tell apart."""

    images: str
    semantic: str
    instances: str | None
    splits: tuple[str, ...]


def find_layout(root: Path) -> FolderLayout:
    """The pair of folders (or of file endings in one folder) whose stems fit best."""
    files_of = _picture_names_by_template(root)
    if not files_of:
        raise BadInput(
            f"a labelled folder must hold pictures ({', '.join(SUFFIXES)}), but got none in {root}; check the path."
        )
    images = [template for template in files_of if _kind(template) == "image"]
    labels = [template for template in files_of if _kind(template) == "label"]
    instances = [template for template in files_of if _kind(template) == "instance"]
    unnamed = [template for template in files_of if _kind(template) == ""]
    candidates = [(i, s) for i in images or unnamed for s in labels or ([] if images else unnamed) if i != s]
    best: tuple[int, str, str] = (0, "", "")
    for image, label in candidates:
        best = max(best, _matched(files_of[image], image, files_of[label], label), key=lambda found: found[0])
    for template in images + unnamed if best[0] == 0 else []:
        best = max(best, _matched_in_one_folder(files_of[template], template), key=lambda found: found[0])
    count, image_pattern, label_pattern = best
    if count == 0:
        counts = {template or ".": sum(map(len, by_split.values())) for template, by_split in files_of.items()}
        found = ", ".join(f"{template}: {number}" for template, number in list(counts.items())[:SHOWN])
        raise BadInput(
            f"a labelled folder must hold images and labels with the same stems, but got none that fit in {root} "
            f"(folders with pictures: {found}); name the folders images and labels, and the files alike."
        )
    instance_pattern = _instances(files_of, instances, image_pattern)
    splits = _ordered_splits(set(files_of[_template_of(image_pattern)]) & set(files_of[_template_of(label_pattern)]))
    if len(splits) == 1:
        # One folder alone is no split; patterns name it, and lists tell train from val.
        image_pattern, label_pattern = (p.replace("{split}", splits[0]) for p in (image_pattern, label_pattern))
        instance_pattern = instance_pattern and instance_pattern.replace("{split}", splits[0])
    return FolderLayout(image_pattern, label_pattern, instance_pattern, splits)


def _picture_names_by_template(root: Path) -> dict[str, dict[str, list[str]]]:
    """Template ("{split}/images") -> split ("" where there is none) -> relative file names below it."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        steps = [step for step in Path(folder).relative_to(root).parts]
        pictures = sorted(name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        if not pictures:
            continue
        split_at = next((at for at, step in enumerate(steps) if step.lower() in TRAIN_WORDS + VAL_WORDS), None)
        kind_at = next((at for at, step in enumerate(steps) if _kind(step)), None)
        # Folders below both (one a city, say) belong to the stem.
        end = max([at + 1 for at in (split_at, kind_at) if at is not None], default=len(steps))
        split = "" if split_at is None else steps[split_at]
        template = "/".join("{split}" if at == split_at else step for at, step in enumerate(steps[:end]))
        inner = "/".join(steps[end:])
        found[template][split] += [f"{inner}/{name}" if inner else name for name in pictures]
    return {template: dict(by_split) for template, by_split in sorted(found.items())}


def _kind(template: str) -> str:
    """Told by the last folder that says something; instances before labels, since "instance_masks" is both."""
    for step in reversed(template.lower().split("/")):
        if any(word in step for word in INSTANCE_WORDS):
            return "instance"
        if any(word in step for word in LABEL_WORDS):
            return "label"
        if any(word in step for word in IMAGE_WORDS):
            return "image"
    return ""


def _matched(
    images: dict[str, list[str]], image_template: str, labels: dict[str, list[str]], label_template: str
) -> tuple[int, str, str]:
    """How many stems fit, with which patterns: as they are, or once a common ending (`_mask`) is cut off."""
    best: tuple[int, str, str] = (0, "", "")
    image_stems, label_stems = _all_stems(images), _all_stems(labels)
    for image_end in sorted({"", _common_ending(image_stems)}):
        for label_end in sorted({"", _common_ending(label_stems)}):
            count = sum(
                len(_cut(_stems(images[split]), image_end) & _cut(_stems(labels[split]), label_end))
                for split in set(images) & set(labels)
            )
            if count > best[0]:
                best = (count, _pattern(image_template, image_end), _pattern(label_template, label_end))
    return best


def _matched_in_one_folder(names_of_split: dict[str, list[str]], template: str) -> tuple[int, str, str]:
    """`x.jpg` beside `x.png`, or `x.jpg` beside `x_mask.png`."""
    names = [name for names in names_of_split.values() for name in names]
    photographs = {_stem(name) for name in names if name.lower().endswith((".jpg", ".jpeg"))}
    others = sorted(name for name in names if not name.lower().endswith((".jpg", ".jpeg")))
    ending = _common_ending([_stem(name) for name in others])
    start = template + "/" if template else ""
    best: tuple[int, str, str] = (0, "", "")
    for end in sorted({"", ending}):
        count = len(photographs & _cut({_stem(name) for name in others}, end))
        if count > best[0] and others:
            photograph_suffix = next(Path(name).suffix for name in names if name.lower().endswith((".jpg", ".jpeg")))
            best = (count, f"{start}*{photograph_suffix}", f"{start}*{end}{Path(others[0]).suffix}")
    return best


def _instances(files_of: dict[str, dict[str, list[str]]], templates: list[str], image_pattern: str) -> str | None:
    """An instance folder counts only if every image has its file there."""
    images = files_of[_template_of(image_pattern)]
    for template in templates:
        count, _, pattern = _matched(images, image_pattern, files_of[template], template)
        if count and count >= sum(len(names) for names in images.values()):
            return pattern
    return None


def _template_of(pattern: str) -> str:
    return pattern.rpartition("/")[0] if "*" in pattern else pattern


def _pattern(template: str, ending: str) -> str:
    return f"{template}/*{ending}" if ending else template


def _ordered_splits(found: set[str]) -> tuple[str, ...]:
    order = [*TRAIN_WORDS, *VAL_WORDS]
    return tuple(sorted(found, key=lambda split: order.index(split.lower()) if split.lower() in order else len(order)))


def _stem(name: str) -> str:
    return str(Path(name).with_suffix("").as_posix())


def _stems(names: list[str]) -> set[str]:
    return {_stem(name) for name in names}


def _all_stems(names_of_split: dict[str, list[str]]) -> list[str]:
    return sorted(_stem(name) for names in names_of_split.values() for name in names)


def _common_ending(stems: list[str]) -> str:
    """The ending that all stems share, from a separator on: `_mask` of a_mask and b_mask. Empty if there is none."""
    if len(stems) < 2:
        return ""
    shared = os.path.commonprefix([stem[::-1] for stem in stems])[::-1]
    starts = [at for at in (shared.find("_"), shared.find("-"), shared.find(".")) if at >= 0]
    return shared[min(starts) :] if starts else ""


def _cut(stems: set[str], ending: str) -> set[str]:
    return {stem.removesuffix(ending) for stem in stems if stem.endswith(ending)}
