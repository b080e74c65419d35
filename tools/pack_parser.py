"""Make a built-in parser of a finished run: float16 weights, a full model card, hashes anew.

    python tools/pack_parser.py runs/camvid_upernet_small_0 street
    python tools/pack_parser.py runs/camvid_upernet_small_0 street --parser fitted/calibrated.safetensors

The run's recipe should carry the card's data and terms; what was measured comes from the run's evaluation.
"""

import argparse
import hashlib
import tempfile
from pathlib import Path

import torch

from mereo.atomic_files import write_bytes
from mereo.evaluation.evaluation_files import read_evaluation
from mereo.evaluation.perceptual_files import read_perceptual_measures
from mereo.parser.weights import load, save_parser
from mereo.recipe.run_facts import measured_of

BUILT_IN = Path(__file__).parents[1] / "src" / "mereo" / "parser" / "built_in"
MEBIBYTE = 2**20
# Everybody who installs the package downloads them.
MOST_BYTES_OF_ONE_HEAD, MOST_BYTES = 16 * MEBIBYTE, 24 * MEBIBYTE


def pack(
    run: Path, name: str, *, parser_file: Path | None = None, trained_with: str = "", folder: Path = BUILT_IN
) -> Path:
    """`parser_file`: what `mereo evaluate --fit-temperature` or `--fit-familiarity` made of the run's parser.
    `trained_with`: what its card says of it, where one run does not tell all.
    """
    parser = load(parser_file or run / "last.safetensors")
    if parser.card is None or not parser.card.has_terms:
        raise SystemExit("a built-in parser must have terms, but got none; write them into the recipe's card.")
    found = measured_of(read_evaluation(run), read_perceptual_measures(run))
    measured = {"measured": parser.card.measured | found.measured, "measured_on": found.measured_on}
    told = {"trained_with": trained_with} if trained_with else {}
    card = parser.card.model_copy(update=measured | told)
    with tempfile.TemporaryDirectory() as temporary:
        packed = save_parser(parser, Path(temporary, "parser"), card=card, dtype=torch.float16).read_bytes()
    most = most_bytes(len(parser.heads))
    if len(packed) > most:
        raise SystemExit(
            f"a built-in parser with {len(parser.heads)} head{'s' * (len(parser.heads) > 1)} must have at most "
            f"{most / MEBIBYTE:.0f} MiB, but got {len(packed) / MEBIBYTE:.1f} MiB; train a smaller one."
        )
    path = folder / f"{name}.safetensors"
    write_bytes(path, packed)
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}" for f in sorted(folder.glob("*.safetensors"))]
    (folder / "checksums.txt").write_text("\n".join(lines) + "\n")
    return path


def most_bytes(num_heads: int) -> int:
    return MOST_BYTES_OF_ONE_HEAD if num_heads == 1 else MOST_BYTES


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run", type=Path)
    arguments.add_argument("name")
    arguments.add_argument("--parser", type=Path, help="the parser in place of the run's, for one a calibrated one")
    arguments.add_argument("--trained-with", default="", help="what its card says of it, e.g. of training in stages")
    chosen = arguments.parse_args()
    path = pack(chosen.run, chosen.name, parser_file=chosen.parser, trained_with=chosen.trained_with)
    print(f"{path.name}: {path.stat().st_size / MEBIBYTE:.1f} MiB")


if __name__ == "__main__":
    main()
