"""How often a built-in parser warns: at held-out pictures of its own kind, at others, and what asking costs.

    python benchmarks/familiarity.py --parser street [--data ../shared/data] [--images 100]

For each set: the share of pictures that are warned at, their median distance as a multiple of the usual one, and the
area under the ROC curve against the parser's own held-out pictures (the chance that a picture of the set lies farther
than one of these; 0.5 says nothing). With `--right`, where the set's labels can be compared, also the share of pixels
that are right, of those whose class the parser knows. Then the time of a parse with and without, in turn.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, where_it_ran

from mereo.data.drawn_scenes import KINDS, DrawnScenes
from mereo.data.formats.class_folders import ClassFolderSamples
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.formats.stacked_annotators import StackedAnnotatorSamples
from mereo.data.formats.voc_format import VocSamples
from mereo.data.sample import Sample, Samples
from mereo.evaluation.evaluate import pixels_of
from mereo.evaluation.familiarity_fit import spread
from mereo.parser.familiarity import looked_at
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load

OWN = {
    "street": ("camvid",),
    "concepts": ("camvid",),
    "everyday": ("camvid", "facades", "carparts", "clothes"),
    "drawn": tuple(f"drawn {kind}s" for kind in KINDS),
}
LABELLED = ("camvid", "facades", "carparts", "clothes")
SAME_AS = {"tree": "vegetation", "pedestrian": "person"}


def sets(data: Path) -> dict[str, Samples]:
    found: dict[str, Samples] = {
        name: FolderSamples(data / name, split="val", description=f"everyday_{name}") for name in LABELLED
    }
    found["bsds500"] = StackedAnnotatorSamples(data / "bsds500", split="val")
    found["voc2007"] = VocSamples(data / "voc2007", split="train")
    found["textures"] = ClassFolderSamples(data / "textures", split="val")
    return found | {f"drawn {kind}s": DrawnScenes(30, seed=5, kinds=(kind,)) for kind in KINDS}


def chosen_of(samples: Samples, most: int) -> Iterator[Sample]:
    return (samples[index] for index in spread(len(samples), most))


def distances(parser: SceneParser, samples: Samples, most: int) -> np.ndarray:
    known = parser.familiarity
    if known is None:
        raise SystemExit("the parser's file must hold statistics: mereo evaluate --fit-familiarity")
    return np.array([known.distance(looked_at(parser, pixels_of(one))) for one in chosen_of(samples, most)])


def right_pixels(parser: SceneParser, samples: Samples, most: int) -> float | None:
    """Of the labelled pixels whose class the parser knows by this or another name."""
    names = [SAME_AS.get(name, name) for name in parser.taxonomy.object_names]
    if not {"sky", "building"} <= set(samples.taxonomy.object_names):
        return None
    known = np.array([name in names for name in samples.taxonomy.object_names] + [False] * 256)
    right = labelled = 0
    for sample in chosen_of(samples, most):
        if sample.semantic_HW is None:
            return None
        truth_HW = np.asarray(sample.semantic_HW)
        truth_HW = np.where(truth_HW < samples.taxonomy.num_objects, truth_HW, len(known) - 1)
        to_theirs = np.array([_index(samples.taxonomy.object_names, name) for name in names])
        answer_HW = to_theirs[parser.parse(pixels_of(sample)).semantic]
        is_known_HW = known[truth_HW]
        right += int((answer_HW == truth_HW)[is_known_HW].sum())
        labelled += int(is_known_HW.sum())
    return right / labelled if labelled else None


def _index(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


def roc_area(near_N: np.ndarray, far_M: np.ndarray) -> float:
    return float((far_M[:, None] > near_N).mean() + 0.5 * (far_M[:, None] == near_N).mean())


def seconds(parser: SceneParser, images: Iterable[np.ndarray], rounds: int) -> tuple[float, float]:
    """Processor time of a parse with and without, medians over rounds in turn."""
    known, taken = parser.familiarity, {True: [], False: []}
    for image_HWC in images:
        for turn in range(2 * rounds + 2):
            parser.familiarity = known if turn % 2 else None
            started = time.process_time()
            parser.parse(image_HWC)
            if turn > 1:
                taken[bool(turn % 2)].append(time.process_time() - started)
    parser.familiarity = known
    return median(taken[True]), median(taken[False])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--parser", default="street", choices=sorted(OWN))
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--images", type=int, default=100, help="at most so many of each set")
    arguments.add_argument("--right", action="store_true", help="parse all pictures, too, and count right pixels")
    arguments.add_argument("--rounds", type=int, default=10)
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    parser, found = load(chosen.parser), sets(chosen.data)
    distance = {name: distances(parser, samples, chosen.images) for name, samples in found.items()}
    own_N = np.concatenate([distance[name] for name in OWN[chosen.parser]])
    rows = []
    for name, of_set_N in distance.items():
        is_own = name in OWN[chosen.parser]
        warned = np.mean([bool(parser.familiarity.warnings(one)) for one in of_set_N])
        right = right_pixels(parser, found[name], chosen.images) if chosen.right else None
        rows.append(
            [
                f"{name} (own)" if is_own else name,
                str(len(of_set_N)),
                f"{100 * warned:.0f} %",
                f"{np.median(of_set_N):.2f}",
                "" if is_own else f"{roc_area(own_N, of_set_N):.3f}",
                "" if right is None else f"{100 * right:.0f} %",
            ]
        )
    far_N = np.concatenate([distance[name] for name in distance if name not in OWN[chosen.parser]])
    area = f"{roc_area(own_N, far_N):.3f}"
    warned = [np.mean([bool(parser.familiarity.warnings(one)) for one in of]) for of in (own_N, far_N)]
    rows += [
        ["all own", str(len(own_N)), f"{100 * warned[0]:.1f} %", f"{np.median(own_N):.2f}", "", ""],
        ["all others", str(len(far_N)), f"{100 * warned[1]:.1f} %", f"{np.median(far_N):.2f}", area, ""],
    ]
    print(f"{chosen.parser}; {where_it_ran()}\n")
    print(markdown(["pictures", "number", "warned at", "median distance", "ROC area", "pixels right"], rows))
    images = [pixels_of(one) for one in chosen_of(found["camvid"], 3)]
    with_it, without = seconds(parser, images, chosen.rounds)
    print(f"\nA parse: {1000 * with_it:.1f} ms of processor time with the statistics, {1000 * without:.1f} ms without.")


if __name__ == "__main__":
    main()
