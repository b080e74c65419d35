"""How large is a fresh installation, how many seconds does it take, and how many more until a photograph is parsed?

python benchmarks/installation.py            what requirements.lock names
python benchmarks/installation.py --light    less what only a GPU needs (docs/install.md)
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONLY_FOR_GPUS = re.compile(r"^(triton=|nvidia-cusolver=|nvidia-nvtx=|nvidia-cuda-cccl=|cuda-)")


def seconds_of(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return time.perf_counter() - start


def mebibytes(folder: Path) -> float:
    """As `du` counts: blocks on disk, a file with two names once."""
    seen = {(at.st_dev, at.st_ino): at.st_blocks * 512 for path in folder.rglob("*") if (at := path.lstat())}
    return sum(seen.values()) / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--light", action="store_true", help="leave out what only a GPU needs")
    parser.add_argument("--parser", help="a parser file; left out: the default one of the package")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = str(folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
        lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not (arguments.light and ONLY_FOR_GPUS.match(line))]
        (folder / "wanted.txt").write_text("\n".join(kept), encoding="utf-8")
        pip = (python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps")
        install = seconds_of(sys.executable, "-m", "venv", str(folder / "venv"))
        install += seconds_of(*pip, "-r", str(folder / "wanted.txt"))
        install += seconds_of(*pip, "--no-build-isolation", str(ROOT))
        size = mebibytes(folder / "venv")
        draw = "from mereo.data.drawn_scenes import DrawnScenes; from PIL import Image; import sys; Image.fromarray("
        draw += "DrawnScenes(1, size=(427, 640))[0].image_CHW.permute(1, 2, 0).numpy()).save(sys.argv[1])"
        seconds_of(python, "-c", draw, str(folder / "scene.png"))
        chosen = ["--parser", arguments.parser] if arguments.parser else []
        parse = (python, "-m", "mereo", "parse", str(folder / "scene.png"), "--out", str(folder / "out"), *chosen)
        first, second = seconds_of(*parse), seconds_of(*parse)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{'light' if arguments.light else 'full'}: {install:.0f} s to install, {size:.0f} MiB; ", end="")
    print(f"parse of a 640x427 picture, process start included: {first:.1f} s, again {second:.1f} s")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores{load}")


if __name__ == "__main__":
    main()
