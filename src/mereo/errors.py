"""What can go wrong, by who can mend it: every error that a user may see is one of these two.

The text of an error keeps one grammar: "<thing> must <rule>, but got <value>[ in <file>]; <what to do>."
The command line turns them into one line (commands/main.py) and an exit code.
"""

import difflib
import errno
from collections.abc import Sequence
from enum import IntEnum
from typing import TypeGuard

MOST_NAMED = 8
# The user named something that is not there or is of another kind; every other OSError is the machine's doing.
USERS_FAULTS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError)


class ExitCode(IntEnum):
    """How a command ends. A usage error is BAD_INPUT, too; LEFT_SOME_OUT: done, but some inputs were skipped."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    BAD_ENVIRONMENT = 3
    LEFT_SOME_OUT = 4
    INTERRUPTED = 130


class MereoError(Exception):
    """Any error that Mereo raises on purpose."""

    exit_code = ExitCode.BAD_INPUT


class BadInput(MereoError, ValueError):
    """The user's data, recipe, weights or arguments are wrong (exit code 2)."""


class TooManyPixels(BadInput):
    """A picture beyond the cap, which whoever serves pictures tells apart from a broken one."""


class BadEnvironment(MereoError, RuntimeError):
    """The machine refuses: disk full, no such device, a port in use, a missing optional package (exit code 3)."""

    exit_code = ExitCode.BAD_ENVIRONMENT


def exit_code_of(error: Exception) -> ExitCode:
    """Every process of a run asks here, so that all of them end with the same one."""
    if isinstance(error, MereoError):
        return error.exit_code
    if isinstance(error, USERS_FAULTS) or (isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG):
        return ExitCode.BAD_INPUT
    if isinstance(error, OSError) or is_out_of_memory(error) or is_missing_package(error) or is_dead_worker(error):
        return ExitCode.BAD_ENVIRONMENT
    return ExitCode.BUG


def is_out_of_memory(error: Exception) -> bool:
    """Of Python or of torch, which is not imported to ask."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def is_missing_package(error: Exception) -> TypeGuard[ModuleNotFoundError]:
    """Somebody else's: a module of Mereo that is missing is a bug."""
    return isinstance(error, ModuleNotFoundError) and not (error.name or "mereo").startswith("mereo")


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
