"""`mereo show RECIPE_OR_PARSER`: the resolved run, or what a parser file holds."""

from pathlib import Path
from typing import Annotated

import typer

from mereo.run_files import RECIPE_FILE


def show(
    target: Annotated[str, typer.Argument(help="A recipe, a run folder, a parser file, or a built-in parser's name.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key.path=value, on a recipe")] = None,
) -> None:
    """Print a recipe with every default written out, or a parser's config, classes and model card."""
    path = Path(target)
    if path.suffix in (".yaml", ".yml") or (path / RECIPE_FILE).is_file():
        from mereo.recipe.recipe import load_recipe, recipe_content, recipe_yaml
        from mereo.recipe.transfer_recipe import load_transfer_recipe

        is_transfer = "transfer" in recipe_content(path)
        loaded = (load_transfer_recipe if is_transfer else load_recipe)(path, overrides or [])
        typer.echo(recipe_yaml(loaded), nl=False)
        return
    from mereo.data.taxonomy_file import taxonomy_from_dict
    from mereo.errors import BadInput
    from mereo.parser.config import ParserConfig
    from mereo.parser.model_card import ModelCard
    from mereo.parser.weights import find_parser_file, read_metadata
    from mereo.strict_yaml import dump_yaml, validated

    if overrides:
        raise BadInput(f"overrides must go with a recipe, but got {overrides} with a parser; leave them out.")
    file = find_parser_file(target)
    metadata = read_metadata(file)
    # Checked, as before parsing: what is printed is what would be built.
    taxonomy = taxonomy_from_dict(metadata["taxonomy"], source=f"the taxonomy in {file}")
    config = validated(ParserConfig, metadata["config"], source=f"the config in {file}")
    card = validated(ModelCard, metadata["card"], source=f"the model card in {file}")
    content = {
        "file": file.name,
        "mebibytes": round(file.stat().st_size / 2**20, 2),
        "classes": {task: list(names) for task, names in config.names_of_tasks(taxonomy).items()},
        "card": card.model_dump(mode="json"),
        "config": config.model_dump(mode="json"),
        "mereo_version": str(metadata.get("mereo_version", "unknown")),
    }
    typer.echo(dump_yaml(content), nl=False)
