"""What came of a command line."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that a failed command says, on either stream."""
        assert self.code in (2, 3), self
        (line,) = self.err.splitlines()
        assert line.startswith("mereo: "), line
        return line


Mereo = Callable[..., Ran]
