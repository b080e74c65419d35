"""What can go wrong, by who can mend it: every error that a user may see is one of these two.

The text of an error keeps one grammar: "<thing> must <rule>, but got <value>[ in <file>]; <what to do>."
The command line turns them into one line and an exit code (commands/main.py).
"""

import difflib
from collections.abc import Sequence

MOST_NAMED = 8


class MereoError(Exception):
    """Any error that Mereo raises on purpose."""

    exit_code = 2


class BadInput(MereoError, ValueError):
    """The user's data, recipe, weights or arguments are wrong (exit code 2)."""

    exit_code = 2


class TooManyPixels(BadInput):
    """A picture beyond the cap, which whoever serves pictures tells apart from a broken one."""


class BadEnvironment(MereoError, RuntimeError):
    """The machine refuses: disk full, no such device, a port in use, a missing optional package (exit code 3)."""

    exit_code = 3


def is_dead_worker(error: Exception) -> bool:
    """Whether torch's loader says that the system ended one of its workers. It may say so at any place and time."""
    return type(error) is RuntimeError and str(error).startswith("DataLoader worker (pid")


def dead_worker(error: Exception) -> BadEnvironment:
    return BadEnvironment(
        "a worker that reads training data must stay alive, but got: "
        f"{(str(error) or type(error).__name__).splitlines()[0]}; free memory, or set training.num_workers=0."
    )


def did_you_mean(name: str, known: Sequence[str], *, otherwise: str | None = None) -> str:
    """The end of an error's sentence; `otherwise` stands where nothing known is near.

    >>> did_you_mean("buildin", ["sky", "building"])
    "did you mean 'building'?"
    >>> did_you_mean("zebra", ["sky", "building"])
    'known are sky, building.'
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return otherwise if otherwise is not None else f"known are {few_of(known)}."


def few_of(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """
    >>> few_of(["a", "b", "c"], most=2)
    'a, b, and 1 more'
    """
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
