"""What requests may hold. Strict: numbers are numbers, and an unknown key is an error. No field holds a path."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_CLICKS = 10_000
MAX_REGIONS = 200
MAX_SIDE = 2**31 - 1

Pixel = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
# Of secrets.token_urlsafe; nothing else was ever given to anybody.
PhotographId = Annotated[str, Field(min_length=1, max_length=64)]
Level = Annotated[int, Field(ge=1, le=64)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class ParseQuery(BaseModel):
    """Words in an address are text: numbers among them are read, not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    parser: Name | None = None
    folder: Annotated[int, Field(ge=0, le=MAX_SIDE)] | None = None
    photograph: PhotographId | None = None


class FolderQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    start: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    count: Annotated[int, Field(ge=1, le=500)] = 60


class SentClick(Strict):
    x: Pixel
    y: Pixel
    adds: bool = True
    level: Level | None = Field(
        default=None,
        description="Of the groups that it means; left out, that of the question. The finest level counts.",
    )


class ClicksRequest(Strict):
    photograph: PhotographId
    parser: Name
    level: Level
    clicks: Annotated[list[SentClick], Field(max_length=MAX_CLICKS)]
    format: Literal["share", "rle", "polygon", "png"] = "share"


class WhyRequest(Strict):
    photograph: PhotographId
    parser: Name
    question: Annotated[str, Field(min_length=1, max_length=400)]


class TokensRequest(Strict):
    photograph: PhotographId
    parser: Name
    x: Pixel | None = None
    y: Pixel | None = None


class FindRequest(Strict):
    photograph: PhotographId
    x: Pixel
    y: Pixel
    top: Annotated[int, Field(ge=1, le=200)] = 20
    class_name: Annotated[Name | None, Field(alias="class")] = None
    not_this: bool = True


class PaintedRegion(Strict):
    class_name: Annotated[Name, Field(alias="class")]
    level: Level
    clicks: Annotated[list[SentClick], Field(min_length=1, max_length=MAX_CLICKS)]


class LabelsRequest(Strict):
    photograph: PhotographId
    parser: Name
    regions: Annotated[list[PaintedRegion], Field(min_length=1, max_length=MAX_REGIONS)]
    keep: bool = Field(
        default=True,
        description="Where nothing is painted now, the label that was saved of this photograph before stays. False "
        "writes in its place: all of it is lost.",
    )
    keep_parse: bool = Field(
        default=False, description="What has no label after that gets the parser's answer, and is not left unlabelled."
    )
