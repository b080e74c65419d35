"""`mereo data affinity RECIPE`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mereo.commands.out_folder import require_out_folder
from mereo.commands.progress_bar import progress_bar
from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

NUM_NAMED = 3


def affinity(
    recipe: Annotated[Path, typer.Argument(help="A recipe; its training split is counted, and no other.")],
    out: Annotated[Path, typer.Option(help="Folder for affinity.safetensors, .json and .png.")] = Path("affinity"),
    normalise: Annotated[
        Literal["target", "source"],
        typer.Option(help="target: what speaks for a class sums to 1 (as printed); source: what a class gives does."),
    ] = "target",
) -> None:
    """Count which classes occur together in the training images; write the counts, a picture, a table of supporters.

    A recipe names the counts as `counts: affinity/affinity.safetensors` in its class_affinity stage; a recipe without
    them counts by itself when training starts.
    """
    from rich.console import Console

    from mereo.atomic_files import write_bytes
    from mereo.data.pictures.picture_bytes import picture_bytes
    from mereo.data.sources import open_samples
    from mereo.drawing.affinity_picture import draw_affinity
    from mereo.reasoning.cooccurrence import class_affinity
    from mereo.reasoning.cooccurrence_file import write_cooccurrence
    from mereo.reasoning.cooccurrence_of_samples import cooccurrence_of
    from mereo.recipe.recipe import folder_of_recipe, load_recipe

    require_out_folder(out)
    loaded = load_recipe(recipe)
    samples = open_samples(loaded.train_data, folder=folder_of_recipe(recipe))
    told = data_in_words(loaded.train_data.model_dump(mode="json", exclude_none=True))
    errors = Console(stderr=True, highlight=False)
    with progress_bar(errors, "counting") as progress:
        counted = cooccurrence_of(
            samples,
            source=f"train_data of {loaded.name}: {told}",
            progress=progress,
        )
    affinity_KK = class_affinity(counted.counts_KK, normalise=normalise).numpy()
    images_K = counted.counts_KK.diagonal().numpy()
    sums_over = "column" if normalise == "target" else "row"
    picture_HWC = draw_affinity(affinity_KK, counted.class_names, images_K, sums_over=sums_over)
    path = write_cooccurrence(out / "affinity.safetensors", counted)
    write_bytes(out / "affinity.png", picture_bytes(picture_HWC, "PNG"))
    _print_supporters(affinity_KK, images_K, list(counted.class_names), Console(highlight=False))
    typer.echo(f"\n{counted.num_images} training images; {path} (with .json and .png)")


def data_in_words(content: dict[str, Any]) -> str:
    """
    >>> data_in_words({"format": "folder", "root": "streets", "split": "train"})
    'format folder, root streets, split train'
    """
    told = ((key, f"({data_in_words(value)})" if isinstance(value, dict) else value) for key, value in content.items())
    return ", ".join(f"{key} {value}" for key, value in told)


def _print_supporters(affinity_KK: "np.ndarray", images_K: "np.ndarray", names: list[str], console: "Console") -> None:
    """Each class with those that speak for it and those that do not, the most frequent class first."""
    import numpy as np
    from rich.markup import escape
    from rich.table import Table

    from mereo.reasoning.cooccurrence import supporters_and_opponents

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("class", overflow="fold")
    table.add_column("images", justify="right", no_wrap=True)
    table.add_column("supporters, %", overflow="fold")
    table.add_column("opponents, %", overflow="fold")
    present = np.flatnonzero(images_K).tolist()
    for target in np.argsort(-images_K, kind="stable").tolist():
        cells = []
        for those in supporters_and_opponents(affinity_KK, target, among=present if target in present else ()):
            told = [
                f"{escape(printable(names[one]))} {_percent(affinity_KK[one, target])}" for one in those[:NUM_NAMED]
            ]
            cells.append(", ".join(told) or "-")
        table.add_row(escape(printable(names[target])), str(int(images_K[target])), *cells)
    console.print(table)


def _percent(share: float) -> str:
    """
    >>> _percent(0.1162), _percent(0.0042), _percent(0.0)
    ('12', '0.4', '0')
    """
    return f"{100 * share:.0f}" if share >= 0.01 or share == 0 else f"{100 * share:.1f}"
