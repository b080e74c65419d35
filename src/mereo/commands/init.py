"""`mereo init FOLDER`"""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(help="A folder with images and label maps.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; left out: into the folder itself.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what an earlier init wrote.")] = False,
    seed: Annotated[int, typer.Option(help="Chooses the images for val where the folder has none.")] = 0,
) -> None:
    """Look at a labelled folder and write mereo.yaml, taxonomy.yaml and recipe.yaml for it."""
    import os

    from rich.console import Console
    from rich.progress import Progress

    from mereo.atomic_files import write_text
    from mereo.data.folder_format import FolderSamples
    from mereo.data.folder_inspection import inspect_folder
    from mereo.data.starter_files import description_text, taxonomy_text
    from mereo.errors import BadEnvironment, BadInput
    from mereo.recipe.starter import starter_recipe

    target = folder if out is None else out
    errors = Console(stderr=True, highlight=False)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("reading labels")
        inspection = inspect_folder(
            folder, seed=seed, on_progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    # The mode counts too: an administrator may write anywhere, but a folder without write bits is to stay as it is.
    if out is None and (not os.access(folder, os.W_OK) or not folder.stat().st_mode & 0o222):
        raise BadEnvironment(f"{folder} must be writable, but got a read-only folder; name another one with --out.")
    name = folder.resolve().name or "my_data"
    in_place = target.resolve() == folder.resolve()
    files = {
        "mereo.yaml": description_text(inspection, name=name),
        "taxonomy.yaml": taxonomy_text(inspection, name=name),
        **{f"{split}.txt": "\n".join(stems) + "\n" for split, stems in (inspection.split_lists or {}).items()},
        "recipe.yaml": starter_recipe(
            name=name,
            root="." if in_place else _path_from(target, folder),
            description="mereo.yaml",
            train_split=inspection.train_split,
            val_split=inspection.val_split,
            num_train_images=inspection.num_images[inspection.train_split],
            image_size=inspection.median_size,
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
        FolderSamples(folder, split=split, description=target / "mereo.yaml")
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
        f"  mereo data check {target / 'recipe.yaml'}",
        f"  mereo train {target / 'recipe.yaml'}",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _path_from(target: Path, folder: Path) -> str:
    """Relative where both lie on one drive, so that the pair of folders can be moved together."""
    import os

    try:
        return Path(os.path.relpath(folder.resolve(), target.resolve())).as_posix()
    except ValueError:
        return str(folder.resolve())
