"""POST /v1/clicks: what clicks choose, as a share, run lengths, polygons or a PNG. POST /v1/labels: painted regions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from fastapi import APIRouter, Request, Response

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.drawing.mask_png import mask_png
from mereo.errors import BadInput
from mereo.web.answer_shapes import LabelsAnswer, MaskAnswer
from mereo.web.documented_errors import WITH_BODY, answers_as, errors
from mereo.web.kept_photographs import KeptParse
from mereo.web.mask_answers import compressed_counts
from mereo.web.mask_polygons import polygons
from mereo.web.problems import Problem
from mereo.web.request_shapes import ClicksRequest, LabelsRequest, PaintedRegion
from mereo.web.service import service_of, unless_gone
from mereo.web.superpixel_map import mask_of_clicks

if TYPE_CHECKING:
    from mereo.web.saved_labels import LabelRegion

router = APIRouter()


@router.post(
    "/v1/clicks",
    response_model=MaskAnswer,
    responses=answers_as("image/png", "The mask, as asked", 404, *WITH_BODY),
)
async def clicks(request: Request, asked: ClicksRequest) -> Response:
    service = service_of(request)
    kept = service.kept.parse_of(asked.photograph, asked.parser)
    if asked.format == "png":
        png = service.pixels.run(lambda: mask_png(mask_of_clicks(kept.groups, asked.clicks, level=asked.level)))
        return Response(await unless_gone(request, png), media_type="image/png")
    return await unless_gone(request, service.json(lambda: mask_answer(kept, asked)))


@router.post("/v1/labels", response_model=LabelsAnswer, responses=errors(404, *WITH_BODY))
async def labels(request: Request, asked: LabelsRequest) -> Response:
    service = service_of(request)
    kept = service.kept.parse_of(asked.photograph, asked.parser)
    if service.folder_path is None:
        raise Problem(
            404, "labels must have a folder to go to, but got none; start mereo studio with a folder of photographs."
        )
    folder: Path = service.folder_path
    return await service.json(lambda: _saved(kept, asked, folder))


def mask_answer(kept: KeptParse, asked: ClicksRequest) -> dict[str, Any]:
    mask_HW = mask_of_clicks(kept.groups, asked.clicks, level=asked.level)
    answer: dict[str, Any] = {"share": round(float(mask_HW.mean()), 6), "area_pixels": int(mask_HW.sum())}
    if asked.format == "rle":
        answer["rle"] = {"size": list(mask_HW.shape), "counts": compressed_counts(mask_HW)}
    if asked.format == "polygon":
        answer["polygon"] = polygons(mask_HW)
    return answer


def _saved(kept: KeptParse, asked: LabelsRequest, folder: Path) -> dict[str, Any]:
    from mereo.parser.weights import built_in_parsers
    from mereo.web.saved_labels import save_labels

    parse = kept.parse
    names = parse.taxonomy.object_names
    for region in asked.regions:
        if region.class_name not in names:
            raise BadInput(
                f"the class of a region must be an object of the parser, but got {region.class_name!r:.80}; "
                "/v1/parsers has the names."
            )
    regions = _Regions(kept.groups, asked.regions)
    saved: dict[str, Any] = save_labels(
        folder,
        name=parse.name,
        image_HWC=parse.image_HWC,
        parse=parse,
        regions=regions,
        keep_parse=asked.keep_parse,
        keep=asked.keep,
        parser=asked.parser if asked.parser in built_in_parsers() else None,
    )
    return saved


class _Regions(Sequence["LabelRegion"]):
    """A mask is made when it is looked at: hundreds of them at once would not fit into memory."""

    def __init__(self, groups: GroupedPhotograph, regions: Sequence[PaintedRegion]) -> None:
        self.groups, self.regions = groups, regions

    def __len__(self) -> int:
        return len(self.regions)

    @overload
    def __getitem__(self, index: int) -> "LabelRegion": ...
    @overload
    def __getitem__(self, index: slice) -> "Sequence[LabelRegion]": ...
    def __getitem__(self, index: int | slice) -> "LabelRegion | Sequence[LabelRegion]":
        from mereo.web.saved_labels import LabelRegion

        if isinstance(index, slice):
            return _Regions(self.groups, self.regions[index])
        region = self.regions[index]
        return LabelRegion(region.class_name, mask_of_clicks(self.groups, region.clicks, level=region.level))
