"""Which label belongs to which picture: files are paired by stem, or by what stands for the `*` of a pattern."""

from collections import Counter
from pathlib import Path

from mereo.data.pictures.image_reading import SUFFIXES
from mereo.errors import BadInput

SHOWN = 5


def files_by_stem(root: Path, pattern: str) -> dict[str, Path]:
    """Picture files of a folder ("train/images") or of a file pattern, sub-folders included.

    The stem is the path inside the folder without its suffix ("aachen/000012"), or what the `*` stands for. A pattern
    may end in a suffix ("train/*_labels.png") or leave it open ("train/*_labels").
    """
    folder_part, _, last = pattern.rpartition("/")
    has_star = "*" in last
    folder = root / folder_part if has_star else root / pattern
    before, _, after = last.partition("*") if has_star else ("", "", "")
    if not folder.is_dir():
        raise BadInput(f"a folder of pictures must exist, but got none in {folder}; check the pattern {pattern!r}.")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in inside.parts):
            continue
        stem = _starred(inside.name, before, after) if has_star else inside.stem
        if stem is None:
            continue
        stem = (inside.parent / stem).as_posix()
        if stem in files:
            raise BadInput(
                f"a stem must name one file, but got {files[stem].name} and {path.name} in {folder}; "
                "remove or rename one."
            )
        files[stem] = path
    return files


def _starred(name: str, before: str, after: str) -> str | None:
    """What the star stands for in a file's name, or None.

    >>> _starred("a_mask.png", "", "_mask"), _starred("a_mask.png", "", "_mask.png"), _starred("a.png", "", "_mask")
    ('a', 'a', None)
    """
    if not after.lower().endswith(SUFFIXES):
        name = Path(name).stem
    if not name.startswith(before) or not name.lower().endswith(after.lower()) or len(name) <= len(before) + len(after):
        return None
    return name[len(before) : len(name) - len(after)]


def paired_files(root: Path, patterns: dict[str, str], *, stems: list[str] | None = None) -> dict[str, dict[str, Path]]:
    """Stem -> kind -> file, for each image (the pattern `images`), sorted by stem or in the order of `stems`."""
    found = {kind: files_by_stem(root, pattern) for kind, pattern in patterns.items()}
    images = found["images"]
    if not images:
        raise BadInput(
            f"a data folder must hold at least one image, but got none in {root} "
            f"with the pattern {patterns['images']!r} ({', '.join(SUFFIXES)}); check the folder and the pattern."
        )
    wanted = sorted(images) if stems is None else stems
    for kind, files in found.items():
        missing = [stem for stem in wanted if stem not in files]
        # A label without image matters only where the folder itself is the list.
        left_over = sorted(set(files) - set(images)) if stems is None else []
        if missing:
            raise BadInput(_unpaired(root, patterns, kind, missing, f"{len(wanted)} stems have no file"))
        if left_over:
            raise BadInput(_unpaired(root, patterns, kind, left_over, f"{len(files)} files have no image"))
    return {stem: {kind: files[stem] for kind, files in found.items()} for stem in wanted}


def stems_of_list(path: Path) -> list[str]:
    """One stem a line; empty lines and lines that start with # do not count; a picture's suffix may stand behind it."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(
            f"a split list must be a readable text file, but got {reason} in {path}; check the path."
        ) from error
    stems = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    stems = [stem.rsplit(".", 1)[0] if stem.lower().endswith(SUFFIXES) else stem for stem in stems]
    repeated = next((stem for stem, count in Counter(stems).items() if count > 1), None)
    if repeated is not None:
        raise BadInput(
            f"a split list must name each image once, but got {repeated!r} twice in {path}; remove one line."
        )
    if not stems:
        raise BadInput(f"a split list must name at least one image, but got none in {path}; write one stem a line.")
    return stems


def _unpaired(root: Path, patterns: dict[str, str], kind: str, stems: list[str], what: str) -> str:
    shown = ", ".join(stems[:SHOWN]) + (", ..." if len(stems) > SHOWN else "")
    return (
        f"images and {kind} must be paired by stem, but got {len(stems)} of {what} for {kind!r}: {shown} in {root} "
        f"(images: {patterns['images']!r}, {kind}: {patterns[kind]!r}); add or remove these files, or mend the pattern."
    )
