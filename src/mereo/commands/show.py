"""`mereo show RECIPE_OR_PARSER`: the resolved run, or what a parser file holds."""

from pathlib import Path
from typing import Annotated

import typer


def show(
    target: Annotated[str, typer.Argument(help="A recipe, a run folder, a parser file, or a built-in parser's name.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key.path=value, on a recipe")] = None,
) -> None:
    """Print a recipe with every default written out, or a parser's config, classes and model card."""
    path = Path(target)
    if path.suffix in (".yaml", ".yml") or (path / "recipe.yaml").is_file():
        from mereo.recipe.recipe import load_recipe, recipe_yaml

        typer.echo(recipe_yaml(load_recipe(path, overrides or [])), nl=False)
        return
    from mereo.errors import BadInput
    from mereo.parser.weights import find_parser_file, read_metadata
    from mereo.strict_yaml import dump_yaml

    if overrides:
        raise BadInput(f"overrides must go with a recipe, but got {overrides} with a parser; leave them out.")
    file = find_parser_file(target)
    metadata = read_metadata(file)
    classes = [entry["name"] for entry in metadata["taxonomy"]["objects"]]
    content = {"file": file.name, "mebibytes": round(file.stat().st_size / 2**20, 2), "classes": classes}
    typer.echo(dump_yaml(content | {key: metadata[key] for key in ("card", "config", "mereo_version")}), nl=False)
