"""The JSON of COCO panoptic, checked: known categories, unique ids, file names that stay inside their folder."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mereo.data.json_reading import parse_json
from mereo.errors import BadInput
from mereo.strict_yaml import validated

Byte = Annotated[int, Field(ge=0, le=255)]
FileName = Annotated[str, Field(max_length=1000)]


class Foreign(BaseModel):
    """Keys that Mereo does not read are allowed: these files are made by others, with extensions of their own."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Category(Foreign):
    id: int = Field(ge=0, lt=1 << 32)
    name: str
    isthing: bool
    color: tuple[Byte, Byte, Byte] | None = None


class Segment(Foreign):
    id: int = Field(ge=1, lt=1 << 24)
    category_id: int
    iscrowd: bool = False


class Image(Foreign):
    id: int | str
    file_name: FileName


class Annotation(Foreign):
    image_id: int | str
    file_name: FileName
    segments_info: list[Segment]


class PanopticFile(Foreign):
    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "PanopticFile":
        _require_unique([category.id for category in self.categories], "category id")
        _require_unique([category.name for category in self.categories], "category name")
        _require_unique([image.id for image in self.images], "image id")
        _require_unique([annotation.image_id for annotation in self.annotations], "annotated image_id")
        known, names = {category.id for category in self.categories}, self.image_names
        for file_name in [image.file_name for image in self.images] + [a.file_name for a in self.annotations]:
            if not stays_inside(file_name):
                raise ValueError(f"file_name must stay inside its folder, but got {file_name!r}")
        for annotation in self.annotations:
            if annotation.image_id not in names:
                raise ValueError(
                    f"image_id must be one of images, but got {annotation.image_id} for {annotation.file_name}"
                )
            _require_unique(
                [segment.id for segment in annotation.segments_info], f"segment id of {annotation.file_name}"
            )
            for segment in annotation.segments_info:
                if segment.category_id not in known:
                    raise ValueError(
                        f"category_id must be one of categories, but got {segment.category_id} "
                        f"for segment {segment.id} of {annotation.file_name}"
                    )
        return self

    @property
    def image_names(self) -> dict[int | str, str]:
        return {image.id: image.file_name for image in self.images}


def read_panoptic_json(path: Path, *, labels: PanopticFile | None = None) -> PanopticFile:
    """`labels` has the images and categories of answers that leave theirs out, as several tools write them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(
            f"annotations must be a readable file, but got {error.strerror} in {path}; check the path."
        ) from error
    except ValueError as error:
        raise BadInput(f"annotations must be JSON, but got {error} in {path}; save or copy it again.") from error
    content = parse_json(text, what="annotations", path=path)
    if labels is not None and isinstance(content, dict):
        content = {"images": labels.images, "categories": labels.categories, **content}
    return validated(PanopticFile, content, source=f"annotations {path}")


def stays_inside(file_name: str) -> bool:
    path = Path(file_name)
    return not (path.is_absolute() or ".." in path.parts or "\0" in file_name)


def _require_unique(values: list, what: str) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} must occur once, but got {value!r} twice")
        seen.add(value)
