"""What a folder of data can teach: which sources are in it, which of them open, and how many pictures carry which task.

Looked at are the lists of Broden+ where `meta_file/` is there, folders in the folder that say themselves what they are
(mereo.yaml, or a layout that tells), and without any of these the folder itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mereo.data.check_target import sources_of
from mereo.data.formats.broden_files import DATA_FOLDER
from mereo.data.formats.broden_meta import META_FOLDER
from mereo.data.formats.folder_description import DESCRIPTION_FILE
from mereo.data.joined_samples import JoinedSamples
from mereo.data.sample import Sample, Samples
from mereo.data.sources import BrodenSource, DataSource, JoinedSource, open_samples
from mereo.data.taxonomy import TASKS
from mereo.errors import BadInput

BRODEN_LISTS: tuple[Literal["objects", "materials", "textures"], ...] = ("objects", "materials", "textures")
Role = Literal["train", "val"]
ROLES: tuple[Role, Role] = ("train", "val")


@dataclass
class PreparedSource:
    """One split of one source. `problem` says why it is left out, if it is; `pictures_of_task` how many teach what."""

    name: str
    role: Role
    source: DataSource
    samples: Samples | None = None
    size: tuple[int, int] | None = None
    pictures_of_task: dict[str, int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def is_left(self) -> bool:
        return self.problem is None

    @property
    def files(self) -> list[Path]:
        return [] if self.samples is None else self.samples.source_files


def prepared_sources(root: Path) -> list[PreparedSource]:
    """Every source that was found, opened or with its problem; those with the classes of the first one are left."""
    found = [PreparedSource(name, role, source) for name, role, source in _candidates(root)]
    for one in found:
        _open(one)
    _leave_one_taxonomy(found)
    return found


def undescribed_folders(root: Path) -> list[str]:
    """Folders of the folder that say nothing of themselves, where others do."""
    inside = _folders(root)
    described = [entry for entry in inside if _is_described(entry)]
    return [entry.name for entry in inside if entry not in described] if described else []


def pictures_of_tasks(sources: list[PreparedSource], role: Role) -> dict[str, int]:
    """Of those that are left, over all tasks."""
    left = [one for one in sources if one.is_left and one.role == role]
    return {task: sum(one.pictures_of_task.get(task, 0) for one in left) for task in TASKS}


def _candidates(root: Path) -> Iterator[tuple[str, Role, DataSource]]:
    if not root.is_dir():
        raise BadInput(f"ROOT must be a folder of data, but got {str(root)!r:.300}; check its name.")
    is_broden = (root / META_FOLDER).is_dir()
    if is_broden:
        for labels in BRODEN_LISTS:
            for role in ROLES:
                yield labels, role, BrodenSource(root=str(root.absolute()), labels=labels, split=role)
    folders = [entry for entry in _folders(root) if _is_described(entry)]
    if not is_broden and not folders:
        folders = [root]
    for folder in folders:
        # Training first; what is measured on is the next split.
        for role, source in zip(ROLES, sources_of(folder).values()):
            yield _name(folder), role, source


def _folders(root: Path) -> list[Path]:
    entries = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return [entry for entry in entries if entry.name not in (META_FOLDER, DATA_FOLDER)]


def _is_described(folder: Path) -> bool:
    if (folder / DESCRIPTION_FILE).is_file():
        return True
    try:
        return bool(sources_of(folder))
    except BadInput:
        return False


def _name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", folder.resolve().name).strip("_-")[:80] or "data"


def _open(one: PreparedSource) -> None:
    """A source counts as trainable if its first picture can be read and none of its files is away."""
    try:
        one.samples = samples = open_samples(one.source)
        if away := [file for file in one.files if not file.is_file()]:
            one.problem = f"{len(away)} of its {len(one.files)} files are not there, first {away[0]}; get them."
            return
        first = samples[0]
    except BadInput as error:
        one.problem = str(error)
        return
    one.size = first.size
    one.pictures_of_task = _pictures_of_task(samples, first)
    if not any(one.pictures_of_task.values()):
        one.problem = "it labels no task that a parser learns."


def _pictures_of_task(samples: Samples, first: Sample) -> dict[str, int]:
    """A source labels the same tasks in all pictures; only words of scenes may be missing in some."""
    is_labelled = {
        "objects": first.semantic_HW is not None,
        "parts": first.parts_HW is not None,
        "materials": first.material_HW is not None,
        "textures": first.texture_HW is not None or first.texture is not None,
    }
    counts = {task: len(samples) for task, is_there in is_labelled.items() if is_there}
    num_with_scene = samples.num_with_scene
    if num_with_scene is None:
        num_with_scene = 0 if first.scene is None else len(samples)
    return {**counts, "scenes": num_with_scene}


def _leave_one_taxonomy(found: list[PreparedSource]) -> None:
    """Joined data has the classes of one taxonomy: here those of the first source that opens to train on."""
    first = next((one for one in found if one.is_left and one.role == "train"), None)
    for one in found:
        if first is None or not one.is_left or one.samples is None or first.samples is None:
            continue
        try:
            JoinedSamples({one.name: one.samples}, taxonomy=first.samples.taxonomy)
        except BadInput as error:
            one.problem = str(error)


def joined_source(sources: list[PreparedSource], role: Role, *, folder: Path) -> JoinedSource | None:
    """Those that are left, with roots as seen from `folder`; None if none is."""
    left = {one.name: _seen_from(one.source, folder) for one in sources if one.is_left and one.role == role}
    return JoinedSource.model_validate({"sources": left}) if left else None


def _seen_from(source: DataSource, folder: Path) -> dict[str, object]:
    import os

    content: dict[str, object] = source.model_dump(mode="json", exclude_defaults=True)
    root = str(content["root"])
    try:
        root = Path(os.path.relpath(os.path.realpath(root), os.path.realpath(folder))).as_posix()
    except ValueError:  # Another drive of Windows.
        pass
    return {"format": source.format, **content, "root": root}
