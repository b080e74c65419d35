"""Which parser `mereo evaluate` measures: a file as it is, with other settings, or with a detector beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mereo.run_files import LAST_PARSER

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser
    from mereo.parser.two_branches import TwoBranches


def measured_parser(
    parser: str, *, settings: Sequence[str], with_instances: Path | None, device: str
) -> "SceneParser | TwoBranches":
    """`settings` are key=value of the file's parser config; `with_instances` is of `mereo transfer`, run or file."""
    from mereo.parser.changed_parser import load_changed
    from mereo.parser.instances.instance_files import load_instance_parser
    from mereo.parser.two_branches import TwoBranches
    from mereo.parser.weights import load
    from mereo.recipe.recipe import with_overrides

    if settings:
        what = " ".join(f"--set {setting}" for setting in settings)
        loaded = load_changed(parser, lambda config: with_overrides(config, settings), what=what, device=device)
    else:
        loaded = load(parser, device=device)
    if with_instances is None:
        return loaded
    return TwoBranches(loaded, load_instance_parser(detector_file(with_instances), device=device))


def detector_file(run: Path) -> Path:
    from mereo.errors import BadInput

    file = run / LAST_PARSER if run.is_dir() else run
    if not file.is_file():
        raise BadInput(
            f"--with-instances must be a finished run of mereo transfer, or its file, but got no {file.name} in "
            f"{file.parent}; train it first."
        )
    return file


def require_fitting_options(
    *,
    settings: Sequence[str],
    with_instances: Path | None,
    fits: Sequence[str],
    looks: Sequence[str],
    row: str | None,
    out: Path | None,
) -> None:
    """What cannot go together is told before minutes are spent. `fits` and `looks` are options that were given."""
    from mereo.errors import BadInput

    if with_instances is not None and (fits or looks):
        raise BadInput(
            f"--with-instances must stand without options for one network, but got {', '.join([*fits, *looks])}; "
            "evaluate the semantic parser alone with them."
        )
    if settings and fits:
        raise BadInput(
            f"--set must stand without a fit, whose file keeps its settings, but got {', '.join(fits)}; fit first."
        )
    if row is not None and out is None:
        raise BadInput(f"--row must go with --out, but got --row {row!r:.80} alone; name a folder for the row.")
