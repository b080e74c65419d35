"""A parser's groups against what people outlined (bsds500/val), beside the tree of its superpixels' colours.

    python benchmarks/grouping.py --parser RUN [--images 100] [--data ../shared/data/bsds500]

Each level of the hierarchy is a segmentation; both rules for the group of a superpixel, and for each the superpixels'
own tree (Ward's, of colours) cut at the same numbers of regions, picture by picture. Covering, probabilistic Rand index
(1 is best), variation of information (bits, 0 is best) and F of borders, as ODS (one level for the set) and OIS (the
best for each image); at the end the regions of each level and the recall of borders within two pixels.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, where_it_ran

from mereo.data.formats.stacked_annotators import StackedAnnotatorSamples
from mereo.evaluation.grouping_evaluation import evaluate_grouping
from mereo.metrics.best_scale import BestScale, GroupingQuality
from mereo.parser.weights import load


def row(name: str, quality: GroupingQuality) -> list[str]:
    def both(scale: BestScale) -> str:
        return f"{scale.ods:.3f} / {scale.ois:.3f}"

    measures = (quality.covering, quality.rand_index, quality.information, quality.border_f)
    regions = ", ".join(f"{number:.0f}" for number in quality.num_regions_L)
    recalls = ", ".join(f"{recall:.2f}" for recall in quality.narrow_recall_L)
    return [name, *map(both, measures), regions, recalls]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parser", required=True, help="a run folder or a parser file with the stage deep_grouping")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--data", default="../shared/data/bsds500")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    samples = StackedAnnotatorSamples(chosen.data, split="val")
    found = evaluate_grouping(load(chosen.parser), samples, num_images=chosen.images)
    print(f"{Path(chosen.parser).name}, {min(chosen.images, len(samples))} images; {where_it_ran()}\n")
    header = ["groups", "covering", "Rand index", "information", "F of borders", "regions", "recall at 2 px"]
    print(markdown(header, [row(name, quality) for name, quality in found.items()]))


if __name__ == "__main__":
    main()
