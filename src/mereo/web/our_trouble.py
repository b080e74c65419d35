"""What goes wrong with the service's own files is told as its trouble (503), not as a mistake of whoever asks (400)."""

from collections.abc import Iterator
from contextlib import contextmanager

from mereo.errors import BadEnvironment, BadInput


@contextmanager
def our_trouble() -> Iterator[None]:
    """
    >>> with our_trouble():
    ...     raise BadInput("a parser must be a file, but got nothing; name another.")
    Traceback (most recent call last):
    ...
    mereo.errors.BadEnvironment: a parser must be a file, but got nothing; name another.
    """
    try:
        yield
    except BadInput as error:
        raise BadEnvironment(str(error)) from error
