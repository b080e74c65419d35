"""The command line that is running, as run.json keeps it."""

import shlex
import sys


def without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """`--debug` may stand anywhere before a lone `--`.

    >>> without_debug(["parse", "a.jpg", "--debug"])
    (['parse', 'a.jpg'], True)
    >>> without_debug(["parse", "--", "--debug"])
    (['parse', '--', '--debug'], False)
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return kept + arguments[end:], len(kept) < end


def own_command() -> str:
    """As a reader can repeat it; folders of this machine stay out of it."""
    return shlex.join(["mereo", *without_debug(sys.argv[1:])[0]])
