"""`mereo data draw FOLDER`"""

from pathlib import Path
from typing import Annotated

import typer

PREVIEW_SCENES = 12


def draw(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    count: Annotated[int, typer.Option(help="Scenes for training.")] = 200,
    val: Annotated[int, typer.Option(help="Scenes for validation.")] = 40,
    seed: Annotated[int, typer.Option(help="Another seed draws other scenes.")] = 0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels.")] = "320x240",
    kinds: Annotated[str, typer.Option(help="Which of street, room, field; commas between.")] = "street,room,field",
    image_format: Annotated[str, typer.Option("--images", help="jpeg or png.")] = "jpeg",
    force: Annotated[bool, typer.Option("--force", help="Replace scenes drawn earlier in this folder.")] = False,
) -> None:
    """Draw a labelled data set: streets, rooms and fields with objects, instances, parts, materials, textures."""
    height, width = size_from(size)
    chosen = kinds_from(kinds)
    from rich.console import Console
    from rich.progress import Progress

    from mereo.atomic_files import atomic_path
    from mereo.data.drawn.folder import write_drawn_folder
    from mereo.data.drawn.preview import contact_sheet
    from mereo.data.sample import Sample
    from mereo.errors import BadInput

    if image_format not in ("jpeg", "png"):
        raise BadInput(f"--images must be jpeg or png, but got {image_format!r}; choose one of them.")
    shown: list[Sample] = []
    errors = Console(stderr=True, highlight=False)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("drawing", total=count + val)

        def on_sample(sample: Sample) -> None:
            progress.update(task, advance=1)
            if len(shown) < PREVIEW_SCENES:
                shown.append(sample)

        write_drawn_folder(
            folder, num_train=count, num_val=val, seed=seed, size=(height, width), kinds=chosen,
            image_format=image_format, is_replacing=force, on_sample=on_sample,
        )  # fmt: skip
    with atomic_path(folder / "preview.png") as temporary:
        contact_sheet(shown).save(temporary, format="PNG")
    typer.echo(f"{count} train and {val} val scenes of {width}x{height} in {folder}; look at {folder / 'preview.png'}")


def size_from(text: str) -> tuple[int, int]:
    """
    >>> size_from("320x240")
    (240, 320)
    """
    from mereo.errors import BadInput

    width, times, height = text.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise BadInput(f"--size must be WIDTHxHEIGHT, but got {text!r}; e.g. 320x240.")
    return int(height), int(width)


def kinds_from(text: str) -> tuple[str, ...]:
    from mereo.data.drawn_scenes import KINDS
    from mereo.errors import BadInput

    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip())
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise BadInput(f"--kinds must be some of {', '.join(KINDS)}, but got {text!r}; put commas between them.")
    return kinds
