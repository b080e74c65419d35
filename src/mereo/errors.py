"""What can go wrong, by who can mend it: every error that a user may see is one of these two.

The text of an error keeps one grammar: "<thing> must <rule>, but got <value>[ in <file>]; <what to do>."
The command line turns them into one line and an exit code (commands/main.py).
"""


class MereoError(Exception):
    """Any error that Mereo raises on purpose."""

    exit_code = 2


class BadInput(MereoError, ValueError):
    """The user's data, recipe, weights or arguments are wrong (exit code 2)."""

    exit_code = 2


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
