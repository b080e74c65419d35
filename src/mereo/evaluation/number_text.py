"""Numbers as tables show them: percent, plain, durations, and the mean of seeds with each seed beside it."""

from collections.abc import Callable, Sequence


def percent_text(fraction: float | None) -> str:
    """
    >>> percent_text(0.51234), percent_text(None)
    ('51.23', 'n/a')
    """
    return "n/a" if fraction is None else f"{100 * fraction:.2f}"


def number_text(value: float | None) -> str:
    """
    >>> number_text(0.51234), number_text(None)
    ('0.512', 'n/a')
    """
    return "n/a" if value is None else f"{value:.3f}"


def duration_text(seconds: float) -> str:
    """
    >>> duration_text(4.2), duration_text(331), duration_text(4000)
    ('4.2 s', '5 min 31 s', '1 h 7 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest} s" if minutes < 60 else f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60} min"
    )


def mean_and_seeds(values: list[float | None], text: Callable[[float | None], str] = percent_text) -> str:
    """
    >>> mean_and_seeds([0.5, 0.25]), mean_and_seeds([None])
    ('37.50 (50.00, 25.00)', 'n/a')
    """
    mean = text(mean_of(values))
    return mean if len(values) == 1 or mean == text(None) else f"{mean} ({', '.join(map(text, values))})"


def mean_of(values: Sequence[float | None]) -> float | None:
    """Of those that are there.

    >>> mean_of([0.5, None, 0.25]), mean_of([None])
    (0.375, None)
    """
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
