"""What `make demo` runs: parse one photograph with the built-in parser, and say where the page is.

    python examples/demo.py --out demo

The photograph is the one that comes with scikit-learn; without scikit-learn a scene is drawn.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import mereo
from mereo.commands.main import run


def photograph_of_scikit_learn() -> Path | None:
    """Where china.jpg lies; found without importing scikit-learn, which takes seconds."""
    found = importlib.util.find_spec("sklearn")
    picture = Path(found.origin).parent / "datasets" / "images" / "china.jpg" if found and found.origin else None
    return picture if picture and picture.is_file() else None


def drawn_scene(folder: Path) -> Path:
    from PIL import Image

    path = folder / "drawn_scene.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mereo.DrawnScenes(1, seed=1, size=(427, 640))[0].image_CHW.permute(1, 2, 0).numpy()).save(path)
    return path


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, default=Path("demo"), help="folder for the result")
    out: Path = arguments.parse_args().out
    picture = photograph_of_scikit_learn() or drawn_scene(out / "picture")
    return run(["parse", str(picture), "--out", str(out)])


if __name__ == "__main__":
    sys.exit(main())
