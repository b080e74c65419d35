"""How far a verb that looks at many images is: a bar on a terminal, nothing elsewhere."""

from typing import Any


class progress_bar:
    """Gives a function of `done` and `total`."""

    def __init__(self, console: Any, what: str) -> None:
        from rich.progress import Progress

        self.what = what
        self.bar = Progress(console=console, disable=not console.is_terminal, transient=True)

    def __enter__(self) -> Any:
        self.bar.start()
        self.task = self.bar.add_task(self.what, total=None)
        return lambda done, total: self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
