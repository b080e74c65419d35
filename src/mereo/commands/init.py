"""`mereo init FOLDER`"""

from pathlib import Path
from typing import Annotated

import typer

from mereo.commands.progress_bar import progress_bar
from mereo.run_files import RECIPE_FILE


def init(
    folder: Annotated[Path, typer.Argument(help="A folder with images and label maps.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; left out: into the folder itself.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the recipe that an earlier init wrote.")] = False,
    seed: Annotated[int, typer.Option(help="Chooses the images for val where the folder has none.")] = 0,
    start_from: Annotated[
        str | None, typer.Option(help="The parser that is fine-tuned: a built-in name, a file or a run. [street]")
    ] = None,
) -> None:
    """Look at a labelled folder and write mereo.yaml, taxonomy.yaml and recipe.yaml for it.

    Where a mereo.yaml describes the folder already, only the recipe is written: names of classes stay. To look at the
    folder anew, move mereo.yaml and taxonomy.yaml away.
    """
    import os

    from rich.console import Console

    from mereo.atomic_files import write_text
    from mereo.data.formats.folder_description import DESCRIPTION_FILE
    from mereo.data.formats.folder_format import FolderSamples
    from mereo.data.formats.folder_inspection import inspect_folder
    from mereo.data.formats.starter_files import description_text, taxonomy_text
    from mereo.errors import BadEnvironment, BadInput
    from mereo.recipe.starter import starter_recipe, starting_parser

    target = folder if out is None else out
    start_from = None if start_from is None else starting_parser(start_from)
    if (target / DESCRIPTION_FILE).is_file():
        if (target / RECIPE_FILE).exists() and not force:
            raise BadInput(
                f"{target} must not hold {RECIPE_FILE} yet, but got it; pass --force to overwrite, or --out."
            )
        write_recipe_of_described(folder, target=target, start_from=start_from)
        return
    errors = Console(stderr=True, highlight=False)
    with progress_bar(errors, "reading labels") as progress:
        inspection = inspect_folder(folder, seed=seed, on_progress=progress)
    # The mode counts too: an administrator may write anywhere, but a folder without write bits is to stay as it is.
    if out is None and (not os.access(folder, os.W_OK) or not folder.stat().st_mode & 0o222):
        raise BadEnvironment(f"{folder} must be writable, but got a read-only folder; name another one with --out.")
    name = folder.resolve().name or "my_data"
    files = {
        # The description behind what it names: it is taken for whole.
        "taxonomy.yaml": taxonomy_text(inspection, name=name),
        **{f"{split}.txt": "\n".join(stems) + "\n" for split, stems in (inspection.split_lists or {}).items()},
        DESCRIPTION_FILE: description_text(inspection, name=name),
        RECIPE_FILE: starter_recipe(
            name=name,
            root=_root_from(target, folder),
            description=DESCRIPTION_FILE,
            train_split=inspection.train_split,
            val_split=inspection.val_split,
            num_train_images=inspection.num_images[inspection.train_split],
            image_size=inspection.median_size,
            start_from=start_from,
        ),
    }
    existing = [file for file in files if (target / file).exists()]
    if existing and not force:
        raise BadInput(
            f"{target} must not hold {', '.join(existing)} yet, but got them; pass --force to overwrite, or --out."
        )
    for file, text in files.items():
        write_text(target / file, text)
    # What was written must open, before anybody trains on it.
    for split in (inspection.train_split, inspection.val_split):
        FolderSamples(folder, split=split, description=target / DESCRIPTION_FILE)
    console = Console(highlight=False)
    counts = ", ".join(f"{number} {split}" for split, number in inspection.num_images.items())
    colours = "colours" if inspection.is_colour_coded else "ids"
    ignored = f", ignored: {', '.join(map(str, inspection.ignored_ids))}" if inspection.ignored_ids else ""
    lines = [
        f"images  {inspection.layout.images}  ({counts})",
        f"labels  {inspection.layout.semantic}  ({len(inspection.pixels_of_raw)} {colours}{ignored})",
        f"wrote   {', '.join(files)} in {target}",
        "",
        "next:",
        *([] if inspection.names else [f"  name the classes in {target / 'taxonomy.yaml'}"]),
        f"  mereo data check {target / RECIPE_FILE}",
        f"  mereo train {target / RECIPE_FILE}",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def write_recipe_of_described(folder: Path, *, target: Path | None = None, start_from: str | None = None) -> None:
    """For a folder that says itself what lies where, such as the labels that the studio saves; or `target` says it."""
    from mereo.atomic_files import write_text
    from mereo.data.check_target import sources_of
    from mereo.data.formats.folder_description import DESCRIPTION_FILE
    from mereo.data.formats.folder_format import FolderSamples
    from mereo.data.pictures.image_reading import image_size
    from mereo.errors import BadInput
    from mereo.recipe.starter import starter_recipe

    target = folder if target is None else target
    file = target / DESCRIPTION_FILE
    splits = list(sources_of(folder, description=str(file.absolute())))
    if len(splits) < 2:
        raise BadInput(
            f"a labelled folder must have a split to train on and one to measure on, but got {', '.join(splits)} in "
            f"{file}; label some more images, or name another split there."
        )
    train, val = (FolderSamples(folder, split=split, description=file) for split in splits[:2])
    if train.loaded.description.semantic is None:
        raise BadInput(
            f"a starter recipe must have class maps to learn from, but got no semantic in {file}; "
            "write the recipe yourself, or pass --out to look at the folder anew."
        )
    sizes = sorted(image_size(files["images"]) for files in train.files[:200])
    recipe = starter_recipe(
        name=folder.resolve().name or "my_data",
        root=_root_from(target, folder),
        description=DESCRIPTION_FILE,
        train_split=splits[0],
        val_split=splits[1],
        num_train_images=len(train),
        image_size=sizes[len(sizes) // 2],
        start_from=start_from,
    )
    write_text(target / RECIPE_FILE, recipe)
    typer.echo(f"images  {len(train)} {splits[0]}, {len(val)} {splits[1]}, as mereo.yaml says")
    typer.echo(f"wrote   {RECIPE_FILE} in {target}\n\nnext:")
    typer.echo(f"  mereo data check {target / RECIPE_FILE}\n  mereo train {target / RECIPE_FILE}")


def _root_from(target: Path, folder: Path) -> str:
    """Relative where both lie on one drive, so that the pair of folders can be moved together."""
    import os

    try:
        return Path(os.path.relpath(folder.resolve(), target.resolve())).as_posix()
    except ValueError:
        return str(folder.resolve())
