"""Settings that name a file which is read when a parser is built: marked where they stand, changed in one place."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel

# What stands instead of a path where weights are downloaded.
FROM_HUB = "hub"
_READ_ONCE = "read once, when the parser is built"
# The type of such a setting: weights of a backbone, counts of classes. A parser file holds what was read.
FileReadOnce = Annotated[str | None, _READ_ONCE]
Settings = TypeVar("Settings", bound=BaseModel)


def with_files(settings: Settings, changed: Callable[[str | None], str | None]) -> Settings:
    """`changed` answers for every `FileReadOnce` of `settings` and of the settings within."""
    values: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if _READ_ONCE in field.metadata:
            values[name] = changed(value)
        elif isinstance(value, BaseModel):
            values[name] = with_files(value, changed)
        elif isinstance(value, tuple):
            values[name] = tuple(with_files(v, changed) if isinstance(v, BaseModel) else v for v in value)
    return settings.model_copy(update=values)


def with_files_beside(folder: Path, settings: Settings) -> Settings:
    """Paths of files in `folder` as paths that exist; all others, as they are."""

    def found(path: str | None) -> str | None:
        return str(folder / path) if path not in (None, FROM_HUB) and (folder / path).is_file() else path

    return with_files(settings, found)
