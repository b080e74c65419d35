"""What a parser may be called: a built-in name, a path, hub:OWNER/NAME or hf:OWNER/NAME. Nothing is opened here."""

import os
from collections.abc import Sequence
from pathlib import Path

from mereo.errors import BadInput, did_you_mean

PUSHED_PREFIX = "hub:"
CHECKPOINT_PREFIX = "hf:"


def is_pushed_parser(name: str | Path) -> bool:
    """A parser file that somebody pushed: hub:OWNER/NAME."""
    return str(name).startswith(PUSHED_PREFIX)


def is_checkpoint_on_hub(name: str | Path) -> bool:
    """A checkpoint of transformers, which is no parser file: hf:OWNER/NAME."""
    return str(name).startswith(CHECKPOINT_PREFIX)


def is_on_hub(name: str | Path) -> bool:
    """Either: what is fetched when it is loaded."""
    return is_pushed_parser(name) or is_checkpoint_on_hub(name)


def no_such_parser(name: str | Path, built_in: Sequence[str]) -> BadInput:
    """
    >>> print(no_such_parser("stret", ["everyday", "street"]))
    parser must be a built-in name, a parser file or a run folder, but got 'stret'; did you mean 'street'?
    """
    rule = "parser must be a built-in name, a parser file or a run folder"
    if is_checkpoint_on_hub(name):
        return BadInput(f"{rule}, but got the checkpoint {str(name)!r}; make a file of it first: mereo convert.")
    ways = f"built in: {', '.join(built_in) or 'none'}; on the hub: hub:OWNER/NAME."
    is_path = isinstance(name, Path) or os.path.dirname(name) != ""
    hint = ways if is_path else did_you_mean(str(name).lower(), built_in, otherwise=ways)
    return BadInput(f"{rule}, but got {str(name)!r}; {hint}")
