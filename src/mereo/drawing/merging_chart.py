"""A chart of merges: how far apart the two were at each step, and where merging stopped."""

from collections.abc import Callable

from mereo.assembly.merging_history import MergingHistory
from mereo.drawing.segment_words import angle, angle_text

WIDTH, HEIGHT = 340, 150
LEFT, RIGHT, TOP, BOTTOM = 34, 12, 12, 24
MOST_DOTS = 80
Place = Callable[[int, float], tuple[float, float]]


def merging_chart(history: MergingHistory) -> str:
    """SVG, or nothing where nothing merged or could. The pair that was refused is a ring after the last step."""
    angles = [angle(merge.cosine) for merge in history.merges]
    refused = None if history.refused is None else angle(history.refused.cosine)
    if not angles and refused is None:
        return ""
    is_limited = history.is_seed_S is None and -1 <= history.threshold <= 1
    limit = angle(history.threshold) if is_limited else None
    largest = max(*angles, *(one for one in (refused, limit) if one is not None), 1.0, 1.0) * 1.12
    num_places = len(angles) + 1

    def place(step: int, degrees: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * step / num_places
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * degrees / largest

    parts = [_axis(place, num_places, largest)]
    if limit is not None:
        (left, y), (right, _) = place(0, limit), place(num_places, limit)
        parts.append(f'<line class="limit" x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>')
        name = f"threshold {angle_text(history.threshold)}"
        parts.append(f'<text x="{left + 6:.1f}" y="{y - 5:.1f}">{name}</text>')
    points = [place(step, degrees) for step, degrees in enumerate(angles, start=1)]
    parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
    if len(points) <= MOST_DOTS:
        parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points]
    if refused is not None:
        x, y = place(num_places, refused)
        parts.append(f'<circle class="refused" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    parts.append('<circle id="now" r="6" hidden/>')
    return (
        f'<svg id="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_told(history)}" '
        f'data-places="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}">{"".join(parts)}</svg>'
    )


def _axis(place: Place, num_places: int, largest: float) -> str:
    (left, bottom), (right, _), (_, top) = place(0, 0), place(num_places, 0), place(0, largest / 1.12)
    last = num_places - 1
    return (
        f'<line class="axis" x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
        f'<text x="{left - 6}" y="{bottom + 4}" text-anchor="end">0°</text>'
        f'<text x="{left - 6}" y="{top + 4:.1f}" text-anchor="end">{largest / 1.12:.0f}°</text>'
        f'<text x="{left}" y="{HEIGHT - 6}">step 1</text>'
        f'<text x="{right}" y="{HEIGHT - 6}" text-anchor="end">{last}</text>'
    )


def _told(history: MergingHistory) -> str:
    if not history.merges:
        return "Nothing merged; the nearest pair is shown."
    first, last = (angle_text(history.merges[place].cosine) for place in (0, -1))
    return f"How far apart the two were that merged: {first} at step 1, {last} at step {len(history.merges)}."
