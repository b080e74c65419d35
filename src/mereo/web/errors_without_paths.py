"""Errors that a client may see: whoever asks over a network need not hear where on the machine a folder lies."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mereo.errors import BadEnvironment, BadInput


@contextmanager
def errors_without_paths(shown: Mapping[str, str]) -> Iterator[None]:
    """Errors of ours that are raised inside say a path as `shown` has it.

    >>> with errors_without_paths({"/srv/photographs": "photographs"}):
    ...     raise BadInput("a picture must be there, but got none in /srv/photographs/a.jpg; choose another.")
    Traceback (most recent call last):
    ...
    mereo.errors.BadInput: a picture must be there, but got none in photographs/a.jpg; choose another.
    """
    try:
        yield
    except (BadInput, BadEnvironment) as error:
        text = str(error)
        for path in sorted(filter(None, shown), key=len, reverse=True):  # A path may begin with another.
            text = text.replace(path, shown[path])
        if text == str(error):
            raise
        raise type(error)(text) from error
