"""A huge tiled TIFF parsed in tiles: seconds, and memory over what the same parser takes for a small picture.

    python benchmarks/large_pictures.py [--side 20000] [--parser street] [--tile auto] [--threads 2]

The picture is made of drawn scenes and written tile by tile; both parses are processes of their own, and the operating
system says how much memory each had at most.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, where_it_ran

from mereo.data.drawn_scenes import DrawnScenes

TIFF_TILE = 256


def tiles_of_scenes(height: int, width: int) -> Iterator[np.ndarray]:
    """Row by row of tiles; scenes of 640x480 side by side."""
    scenes = DrawnScenes(6, seed=1, size=(480, 640))
    pictures = [np.moveaxis(np.asarray(scenes[index].image_CHW), 0, -1) for index in range(len(scenes))]
    strips = [
        np.concatenate([pictures[(first + n) % 6] for n in range(-(-width // 640))], axis=1)[:, :width]
        for first in range(6)
    ]
    waiting, number = np.zeros((0, width, 3), dtype=np.uint8), 0
    for _ in range(0, height, TIFF_TILE):
        while len(waiting) < TIFF_TILE:
            waiting, number = np.concatenate([waiting, strips[number % 6]]), number + 1
        for left in range(0, width, TIFF_TILE):
            tile = np.zeros((TIFF_TILE, TIFF_TILE, 3), dtype=np.uint8)
            part = waiting[:TIFF_TILE, left : left + TIFF_TILE]
            tile[:, : part.shape[1]] = part
            yield tile
        waiting = waiting[TIFF_TILE:]


def draw(path: Path, height: int, width: int) -> None:
    tifffile.imwrite(
        path,
        tiles_of_scenes(height, width),
        shape=(height, width, 3),
        dtype=np.uint8,
        tile=(TIFF_TILE, TIFF_TILE),
        compression="zlib",
        photometric="rgb",
    )


def parsed(arguments: list[str], threads: int) -> tuple[float, float]:
    """Seconds and the greatest memory in GiB, of a process that is not shared with anything measured before."""
    program = "import sys; from mereo.commands.main import main; main()"
    started = time.perf_counter()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run([sys.executable, "-c", program, "parse", *arguments], env=environment, check=False)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(writer, str(peak if done.returncode == 0 else -1).encode())
        os._exit(0)
    os.waitpid(child, 0)
    peak = int(os.read(reader, 100))
    if peak < 0:
        raise SystemExit("the parse failed")
    return time.perf_counter() - started, peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--parser", default="street")
    parser.add_argument("--tile", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name, height, width in (("small", 360, 480), ("large", chosen.side, chosen.side)):
            path = Path(folder) / f"{name}.tif"
            draw(path, height, width)
            tile = [] if name == "small" else ["--tile", chosen.tile]
            out = ["--out", f"{folder}/{name}", "--parser", chosen.parser]
            seconds, peak = parsed([str(path), *tile, *out], chosen.threads)
            rows.append((f"{width}x{height}", seconds, peak))
    print(f"parser {chosen.parser}, --tile {chosen.tile}, {chosen.threads} threads; {where_it_ran()}\n")
    cells = [[name, f"{s:.0f}", f"{peak:.2f}", f"{peak - rows[0][2]:+.2f}"] for name, s, peak in rows]
    print(markdown(["picture", "seconds, whole process", "peak GiB", "over the small picture"], cells))


if __name__ == "__main__":
    main()
