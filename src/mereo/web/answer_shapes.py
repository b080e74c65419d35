"""What answers hold, for /openapi.json; answers are made elsewhere and tests hold them against these."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorAnswer(Shape):
    error: str = Field(description="<thing> must <rule>, but got <value>; <what to do>.")


class MapShape(Shape):
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    runs: str = Field(description="base64 of (value, run length) pairs, row by row, each a LEB128 number")


class CanShape(Shape):
    click: bool
    why: bool
    tokens: bool
    find: bool


class ParserShape(Shape):
    name: str
    title: str
    summary: str
    terms: str
    tasks: list[str]
    questions: dict[str, list[str]]
    can: CanShape
    error: str | None = Field(description="Why it cannot be used now; of one that can null")


class IndexShape(Shape):
    segments: int
    parser: str
    classes: list[str]


class LimitsShape(Shape):
    body_bytes: int
    pixels: int
    clicks: int


class ParsersAnswer(Shape):
    parsers: list[ParserShape]
    default: str
    index: IndexShape | None
    labels: bool
    label_classes: list[str] | None = Field(description="Of the labels that are in the folder already; of none null")
    limits: LimitsShape


class FolderEntry(Shape):
    number: int = Field(ge=0)
    name: str


class FolderAnswer(Shape):
    photographs: list[FolderEntry]
    total: int = Field(ge=0)


class TaskShape(Shape):
    title: str
    derived: bool
    classes: list[str]
    colours: list[str]
    map: MapShape
    shares: list[tuple[int, float]]


class SceneShape(Shape):
    name: str
    derived: bool


class SegmentShape(Shape):
    name: str
    class_index: int = Field(alias="class", ge=0)
    is_thing: bool
    share: float
    area_pixels: int
    box_xyxy: tuple[int, int, int, int]
    instance_id: int


class ConfidenceShape(Shape):
    mean: float
    map: MapShape


class LevelShape(Shape):
    level: int = Field(ge=1)
    num: int
    groups: list[int]


class GroupsShape(Shape):
    map: MapShape
    levels: list[LevelShape]


class ParseAnswer(Shape):
    photograph: str
    name: str
    parser: str
    width: int
    height: int
    seconds: float
    terms: str
    warnings: list[str]
    tasks: dict[str, TaskShape]
    scene: SceneShape | None
    image_texture: str | None
    segments: list[SegmentShape]
    segment_map: MapShape
    confidence: ConfidenceShape | None
    groups: GroupsShape
    can: CanShape


class RleShape(Shape):
    size: tuple[int, int]
    counts: str


class MaskAnswer(Shape):
    share: float
    area_pixels: int
    rle: RleShape | None = None
    polygon: list[list[float]] | None = None


class HeatShape(Shape):
    level: int
    nodes: int
    heat: list[int]


class WhyAnswer(Shape):
    told: str
    share: float
    levels: list[HeatShape]


class TokenShape(Shape):
    token: int
    mass: float
    centre: Any
    entropy: float
    classes: list[tuple[str, float]]
    width: int
    height: int
    weights: str


class TokensAnswer(Shape):
    tokens: list[TokenShape]


class QueryShape(Shape):
    class_name: str = Field(alias="class")
    box_xyxy: tuple[int, int, int, int]


class FoundShape(Shape):
    distance: float
    image: str
    class_name: str = Field(alias="class")
    box_xyxy: tuple[int, int, int, int]
    image_size: tuple[int, int]
    shown_xyxy: tuple[int, int, int, int] = Field(description="The part of the photograph that the thumbnail shows")
    thumbnail: str
    folder: int | None = Field(description="Its number in /v1/folder; of a photograph that is not there null")


class FindAnswer(Shape):
    query: QueryShape
    found: list[FoundShape]


class SavedShape(Shape):
    name: str
    replaced: bool = Field(
        description="A label of this photograph was there; with `keep` it lies beneath, without it is gone"
    )
    classes: list[tuple[str, float]]
    unlabelled: float
    next: list[str]


class LabelsAnswer(Shape):
    saved: SavedShape


class HealthAnswer(Shape):
    status: str
    waiting: int
    kept: int
