"""`mereo group IMAGE --click X,Y`: what a parser groups with the clicked places, as a mask, pictures and a page."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.made_with import made_with, terms_of
from mereo.commands.out_folder import require_out_folder
from mereo.commands.pixel_caps import RAISE_CAP, MaxPixels
from mereo.picture_sizes import MAX_PIXELS

if TYPE_CHECKING:
    from mereo.assembly.grouped_photograph import GroupedPhotograph
    from mereo.interaction.clicks import Click


class Rule(StrEnum):
    nearest = "nearest"
    product = "product"


def group(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html, mask.png, the pictures and grouping.json.")] = Path(
        "grouped"
    ),
    click: Annotated[
        list[str] | None,
        typer.Option(help="A pixel of the photograph: X,Y adds its group, X,Y,- takes it away. May be repeated."),
    ] = None,
    level: Annotated[
        int | None, typer.Option(help="1: superpixels, 2: groups of them, ...; left out: the coarsest level.")
    ] = None,
    rule: Annotated[
        Rule, typer.Option(help="Which group a superpixel belongs to: the nearest, or the paper's product.")
    ] = Rule.nearest,
    parser: Annotated[
        str | None,
        typer.Option(help="With the stage deep_grouping on its path; left out: the built-in everyday."),
    ] = None,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Group a photograph's superpixels level by level, and choose groups by clicks: a mask, pictures of all levels, and
    a page to click on.

    Example: mereo group room.jpg --click 120,80 --click 40,200,- --level 3 --out grouped
    """
    from mereo.atomic_files import write_json
    from mereo.commands.parse import open_parser
    from mereo.data.pictures.image_reading import read_image
    from mereo.drawing.grouping_page import level_in_words, write_grouping_page
    from mereo.drawing.grouping_pictures import draw_chosen
    from mereo.drawing.legend import percent
    from mereo.drawing.mask_png import write_mask_png
    from mereo.drawing.parse_files import write_picture
    from mereo.interaction.clicks import clicked_superpixels, group_photograph

    require_out_folder(out)
    clicks = [parsed_click(one) for one in click or ()]
    image_HWC = read_image(image, max_pixels=max_pixels, advice=RAISE_CAP)
    loaded = open_parser(parser, device)
    photograph = group_photograph(loaded, image_HWC)
    level = photograph.num_levels if level is None else level
    chosen_R = clicked_superpixels(photograph, clicks, level=level, rule=rule.value)
    mask_HW = photograph.on_pixels(chosen_R)
    marks = [(one.x, one.y, one.is_positive) for one in clicks]
    notes = made_with(terms_of(loaded))
    page = write_grouping_page(
        out, photograph, name=image.name, level=level, rule=rule.value, clicks=marks, notes=notes
    )
    content = as_numbers(photograph, rule)
    levels = range(1, photograph.num_levels + 1)
    typer.echo(", ".join(f"level {one}: {level_in_words(photograph, one, rule=rule.value)}" for one in levels))
    if clicks:
        write_mask_png(out / "mask.png", mask_HW)
        write_picture(out / "chosen", draw_chosen(photograph, chosen_R, marks))
        content["level"], content["share"] = level, round(float(mask_HW.mean()), 6)
        content["clicks"] = [{"x": x, "y": y, "adds": is_positive} for x, y, is_positive in marks]
        typer.echo(f"chosen at level {level}: {percent(float(mask_HW.mean()))} of the photograph")
    else:  # An earlier run's would say that something is chosen.
        for earlier in (out / "mask.png", out / "chosen.jpg"):
            earlier.unlink(missing_ok=True)
    write_json(out / "grouping.json", content)
    typer.echo(str(page))


def as_numbers(photograph: "GroupedPhotograph", rule: Rule) -> dict[str, object]:
    levels = range(1, photograph.num_levels + 1)
    return {
        "width": photograph.size[1],
        "height": photograph.size[0],
        "rule": rule.value,
        "levels": [{"level": one, "groups": photograph.num_groups(one, rule=rule.value)} for one in levels],
    }


def parsed_click(text: str) -> "Click":
    """
    >>> parsed_click("120,80").y, parsed_click("3,4,-").is_positive
    (80, False)
    """
    from mereo.errors import BadInput
    from mereo.interaction.clicks import Click

    x, y, sign = [part.strip() for part in (*text.split(","), "+")[:3]] if text.count(",") in (1, 2) else ("", "", "")
    if not all(part.isdecimal() and len(part) < 10 for part in (x, y)) or sign not in ("+", "-"):
        raise BadInput(f"--click must be X,Y or X,Y,-, but got {text!r:.80}; e.g. 120,80 or 120,80,-.")
    return Click(int(x), int(y), sign == "+")
