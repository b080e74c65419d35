"""Make a built-in parser of a finished run: float16 weights, a full model card, hashes anew.

    python tools/pack_parser.py runs/camvid_upernet_small_0 street

The run's recipe should carry the card's data and terms; what was measured comes from the run's evaluation.
"""

import argparse
import hashlib
from pathlib import Path

import torch

from mereo.evaluation.evaluation_files import read_evaluation
from mereo.parser.weights import load, save_parser

BUILT_IN = Path(__file__).parents[1] / "src" / "mereo" / "parser" / "built_in"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run", type=Path)
    arguments.add_argument("name")
    chosen = arguments.parse_args()
    parser, evaluation = load(chosen.run / "last.safetensors"), read_evaluation(chosen.run)
    if parser.card is None or not parser.card.terms or parser.card.terms == "unknown":
        raise SystemExit("the recipe must carry a card with terms; a parser without terms does not enter the package")
    measured = {"mean_iou": evaluation.mean_iou, "pixel_accuracy": evaluation.pixel_accuracy}
    measured["boundary_iou"] = evaluation.boundary_iou
    card = parser.card.model_copy(update={"measured": {k: round(v, 4) for k, v in measured.items() if v is not None}})
    path = save_parser(parser, BUILT_IN / f"{chosen.name}.safetensors", card=card, dtype=torch.float16)
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}" for f in sorted(BUILT_IN.glob("*.safetensors"))]
    (BUILT_IN / "checksums.txt").write_text("\n".join(lines) + "\n")
    print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
