"""What the benchmarks share: several commands measured in turn, each in processes of its own, medians and ratios.

An allocator's settings and a thread pool's state cannot be taken back, so contestants never share a process; and they
take turns, round by round, so that a machine that slows down slows all of them.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence

from mereo.recipe.machine import commit_of_source, machine_in_words


def measured_in_turn(contestants: dict[str, Sequence[str]], *, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Each contestant is arguments for this very script; its last line of output is a JSON object of numbers."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, arguments in contestants.items():
            done = subprocess.run(
                [sys.executable, sys.argv[0], *arguments], stdout=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{name} failed with exit code {done.returncode}")
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def ratio_in_words(slower: Sequence[float], faster: Sequence[float]) -> str:
    """Median, least and greatest of the quotients, pair by pair."""
    quotients = sorted(a / b for a, b in zip(slower, faster, strict=True))
    return f"{statistics.median(quotients):.2f} ({quotients[0]:.2f} to {quotients[-1]:.2f})"


def where_it_ran() -> str:
    import torch

    return f"{machine_in_words(torch.device('cpu'))}, commit {commit_of_source()}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
