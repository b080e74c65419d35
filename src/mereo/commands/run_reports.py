"""How a run ended, told by every verb that trains."""

from typing import TYPE_CHECKING, Any

import typer

from mereo.errors import ExitCode

if TYPE_CHECKING:
    from mereo.recipe.run_recipe import RunReport
    from mereo.recipe.run_transfer import TransferReport


def tell_the_end(report: "RunReport | TransferReport", verb: str, console: Any) -> bool:
    """Whether there is more to tell: not of a run that a signal stopped (exit code 130), nor by another process."""
    if report.is_stopped:
        where = "while measuring" if report.training.is_finished else f"after step {report.training.step}"
        if report.is_first:
            console.print(f"stopped {where}; go on with: mereo {verb} {report.folder} --resume")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if report.is_first and report.training.skipped_steps:
        console.print(f"{report.training.skipped_steps} steps were skipped: loss or gradient was not finite")
    return report.is_first
