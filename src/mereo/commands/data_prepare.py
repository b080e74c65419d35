"""`mereo data prepare ROOT`: from the data that somebody has to a recipe, and what is missing for the rest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mereo.errors import ExitCode
from mereo.run_files import RECIPE_FILE
from mereo.text_lines import printable

if TYPE_CHECKING:
    from mereo.data.file_manifest import ManifestReport
    from mereo.data.prepared_sources import PreparedSource

MOST_NAMED = 3


def prepare(
    root: Annotated[Path, typer.Argument(help="A folder in Broden+'s layout, of labelled folders, or a labelled one.")],
    out: Annotated[Path, typer.Option(help="The recipe to write.")] = Path(RECIPE_FILE),
    manifest: Annotated[
        Path | None, typer.Option(help="What files must hold; left out: ROOT/mereo_manifest.json where there is one.")
    ] = None,
    write_manifest: Annotated[
        bool, typer.Option("--write-manifest", help="List files as they are now, in place of checking them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a recipe that was written by hand.")] = False,
) -> None:
    """Look at the data in a folder: say task by task what can be trained and what is missing, check hashes, and write
    a recipe of what is there. Run again, it reads only what has changed.

    Example: mereo data prepare data/broden --out broden.yaml --write-manifest
    """
    from mereo.data.file_manifest import MANIFEST_FILE
    from mereo.data.prepared_sources import prepared_sources, undescribed_folders
    from mereo.errors import BadInput

    require_ours(out, force=force)
    sources = prepared_sources(root)
    listed = manifest or root / MANIFEST_FILE
    if manifest is not None and not write_manifest and not manifest.is_file():
        raise BadInput(f"--manifest must be a file, but got none at {manifest}; pass --write-manifest to make it.")
    if write_manifest or listed.is_file():
        report = checked(sources, root=root, path=listed, has_new=write_manifest)
        leave_out_wrong(sources, report, root=root)
        typer.echo(f"{printable(str(listed))}: {files_in_words(report)}")
    for line in table_of_tasks(sources):
        typer.echo(line)
    left_out = [one for one in sources if not one.is_left]
    for one in left_out:
        typer.echo(printable(f"left out: {one.name} ({one.role}): {one.problem}"), err=True)
    if unknown := undescribed_folders(root):
        named = ", ".join(printable(name) for name in unknown[:MOST_NAMED])
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        typer.echo(f"not looked at, having no mereo.yaml: {named}{more}; `mereo init FOLDER` writes one", err=True)
    write_recipe(sources, out, name=root.resolve().name)
    typer.echo(f"wrote {printable(str(out))}\n\nnext:")
    typer.echo(f"  mereo data check {printable(str(out))}\n  mereo train {printable(str(out))}")
    if left_out:
        raise typer.Exit(ExitCode.LEFT_SOME_OUT)


def require_ours(out: Path, *, force: bool) -> None:
    from mereo.errors import BadInput
    from mereo.recipe.joined_starter import MADE_BY

    if out.exists() and not force and (not out.is_file() or not out.read_bytes().startswith(MADE_BY.encode())):
        raise BadInput(f"--out must not be a file of somebody else's, but got one in {out}; pass --force or another.")


def checked(sources: "list[PreparedSource]", *, root: Path, path: Path, has_new: bool) -> "ManifestReport":
    from rich.console import Console

    from mereo.commands.progress_bar import progress_bar
    from mereo.data.file_manifest import check_files

    names = {name_in(root, file) for one in sources for file in one.files}
    with progress_bar(Console(stderr=True, highlight=False), "checking files") as on_progress:
        return check_files(names, root=root, path=path, has_new=has_new, on_progress=on_progress)


def leave_out_wrong(sources: "list[PreparedSource]", report: "ManifestReport", *, root: Path) -> None:
    wrong = set(report.wrong)
    for one in sources:
        own = [name for file in one.files if (name := name_in(root, file)) in wrong]
        if own and one.is_left:
            one.problem = (
                f"{len(own)} of its {len(one.files)} files are not as the manifest says, first {own[0]}; copy them "
                "again, or pass --write-manifest to take them as they are."
            )


def name_in(root: Path, file: Path) -> str:
    """As a manifest calls it: seen from its folder, whether it lies in there or not."""
    import os

    return Path(os.path.relpath(file, root)).as_posix()


def files_in_words(report: "ManifestReport") -> str:
    """
    >>> from mereo.data.file_manifest import ManifestReport
    >>> files_in_words(ManifestReport(same=["a"], as_before=["b", "c"], other=["d"]))
    '1 file checked, 2 as before, 1 that holds something else'
    """
    counts = (
        (report.same, "checked", "checked"),
        (report.written, "listed", "listed"),
        (report.as_before, "as before", "as before"),
        (report.other, "that holds something else", "that hold something else"),
        (report.missing, "missing", "missing"),
        (report.unlisted, "not listed", "not listed"),
    )
    told = [(len(names), one if len(names) == 1 else several) for names, one, several in counts if names]
    words = [f"{number} {what}" for number, what in told]
    if not words:
        return "no files"
    first, *rest = words
    number, _, what = first.partition(" ")
    return ", ".join([f"{number} {'file' if number == '1' else 'files'} {what}", *rest])


def table_of_tasks(sources: "list[PreparedSource]") -> list[str]:
    from mereo.data.prepared_sources import pictures_of_tasks

    train, val = pictures_of_tasks(sources, "train"), pictures_of_tasks(sources, "val")
    lines = [f"{'task':<10}{'train':>8}{'val':>8}  trainable"]
    for task, number in train.items():
        cells = [f"{one:,}" if one else "-" for one in (number, val[task])]
        lines.append(f"{task:<10}{cells[0]:>8}{cells[1]:>8}  {'yes' if number else 'no'}")
    return lines


def write_recipe(sources: "list[PreparedSource]", out: Path, *, name: str) -> None:
    from mereo.atomic_files import write_text
    from mereo.data.prepared_sources import joined_source, pictures_of_tasks
    from mereo.errors import BadInput
    from mereo.recipe.joined_starter import joined_recipe

    train = joined_source(sources, "train", folder=out.parent)
    if train is None:
        raise BadInput(
            f"the data must hold at least one source to train on, but got {len(sources)} of which none opens; mend "
            "what is told above."
        )
    left = [one for one in sources if one.is_left and one.role == "train"]
    sizes = sorted(one.size for one in left if one.size is not None)
    text = joined_recipe(
        name=name,
        train=train,
        val=joined_source(sources, "val", folder=out.parent),
        tasks=[task for task, number in pictures_of_tasks(sources, "train").items() if number],
        num_train_images=sum(len(one.samples) for one in left if one.samples is not None),
        image_size=sizes[len(sizes) // 2],
    )
    write_text(out, text)
