"""Time of the panoptic quality of 2048x1024 maps with about 80 segments, beside torchmetrics and a loop, in one run.

    python benchmarks/panoptic_quality.py [--maps 10]

All sides get the same maps and one thread; the time is that of the core, so a busy machine does not change it much.
What they answer is compared first: a fast wrong number is worth nothing.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import zoom
from torchmetrics.detection import PanopticQuality

from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.evaluation.panoptic_files import panoptic_quality_of_files
from mereo.metrics.panoptic_quality import PanopticCounts, panoptic_counts

HEIGHT, WIDTH, NUM_CLASSES, NUM_SEGMENTS, BLOCK = 1024, 2048, 19, 80, 8
# It takes seconds a map.
TORCHMETRICS_MAPS = 2


def drawn_positions(generator: np.random.Generator) -> np.ndarray:
    """Smooth regions numbered from 1, about as many as in a street photograph."""
    seeds = generator.normal(size=(NUM_SEGMENTS, 8, 16))
    coarse = zoom(seeds, (1, HEIGHT // 8 // BLOCK, WIDTH // 16 // BLOCK), order=1).argmax(axis=0) + 1
    return np.kron(coarse, np.ones((BLOCK, BLOCK), dtype=np.int32)).astype(np.int32)


def as_map(position_HW: np.ndarray, generator: np.random.Generator, *, void_rows: int) -> PanopticMap:
    """Ids are spread over 24 bits, as COCO's are."""
    ids = np.concatenate([[0], generator.choice(2**24 - 1, NUM_SEGMENTS, replace=False) + 1]).astype(np.int32)
    ids_HW = ids[position_HW]
    ids_HW[:void_rows] = 0
    present = set(np.unique(ids_HW).tolist())
    segments = (PanopticSegment(int(ids[n]), n % NUM_CLASSES) for n in range(1, len(ids)) if int(ids[n]) in present)
    return PanopticMap(ids_HW, tuple(segments))


def by_loop(true: PanopticMap, predicted: PanopticMap) -> np.ndarray:
    """TP, FP, FN, sum of IoU of each class, by a dictionary of the pairs of ids, as the reference has it. No crowds."""
    class_of_true = {segment.id: segment.class_index for segment in true.segments}
    class_of_predicted = {segment.id: segment.class_index for segment in predicted.segments}
    true_area = dict(zip(*(values.tolist() for values in np.unique(true.ids_HW, return_counts=True))))
    area = dict(zip(*(values.tolist() for values in np.unique(predicted.ids_HW, return_counts=True))))
    pairs, counts = np.unique(
        true.ids_HW.astype(np.uint64) << 24 | predicted.ids_HW.astype(np.uint64), return_counts=True
    )
    shared = {(int(pair) >> 24, int(pair) & 0xFFFFFF): int(count) for pair, count in zip(pairs, counts)}
    table, found, answered = np.zeros((NUM_CLASSES, 4)), set(), set()
    for (t, p), pixels in shared.items():
        if t in class_of_true and p in class_of_predicted and class_of_true[t] == class_of_predicted[p]:
            iou = pixels / (true_area[t] + area[p] - pixels - shared.get((0, p), 0))
            if iou > 0.5:
                table[class_of_true[t]] += (1, 0, 0, iou)
                found.add(t)
                answered.add(p)
    for t, index in class_of_true.items():
        table[index, 2] += t not in found
    for p, index in class_of_predicted.items():
        table[index, 1] += p not in answered and shared.get((0, p), 0) / area[p] <= 0.5
    return table


def as_tensor(panoptic: PanopticMap) -> torch.Tensor:
    classes = np.array([NUM_CLASSES, *(segment.class_index for segment in panoptic.segments)])
    position_HW = panoptic.positions()
    return torch.from_numpy(np.stack([classes[position_HW], position_HW.astype(np.int64)], axis=-1))[None]


def milliseconds(function: Callable[..., object], pairs: list[tuple]) -> float:
    """Median over the maps, after one that does not count."""
    times = []
    for pair in [pairs[0], *pairs]:
        started = time.process_time()
        function(*pair)
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times[1:])


def milliseconds_from_files(pairs: list[tuple[PanopticMap, PanopticMap]]) -> float:
    taxonomy = Taxonomy("drawn", LabelTable(tuple(f"class {number}" for number in range(NUM_CLASSES))))
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = []
        for side, name in enumerate(("labels", "answers")):
            with PanopticWriter(Path(folder) / f"{name}.json", taxonomy) as writer:
                for number, pair in enumerate(pairs):
                    writer.add(pair[side], stem=f"{number}", file_name=f"{number}.jpg")
            files += [writer.json_path, writer.folder]
        started = time.process_time()
        panoptic_quality_of_files(*files)
        return 1000 * (time.process_time() - started) / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=10)
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    pairs = []
    for _ in range(parser.parse_args().maps):
        position_HW = drawn_positions(generator)
        moved_HW = np.roll(position_HW, generator.integers(-12, 13, 2), axis=(0, 1))
        pairs.append((as_map(position_HW, generator, void_rows=40), as_map(moved_HW, generator, void_rows=0)))

    def ours(true: PanopticMap, predicted: PanopticMap) -> PanopticCounts:
        return panoptic_counts(true, predicted, num_classes=NUM_CLASSES)

    theirs = PanopticQuality(things=set(range(NUM_CLASSES)), stuffs=set(), return_per_class=True)
    tensors = [(as_tensor(predicted), as_tensor(true)) for true, predicted in pairs[:TORCHMETRICS_MAPS]]
    for tensor in tensors:
        theirs.update(*tensor)
    some = sum((ours(*pair) for pair in pairs[:TORCHMETRICS_MAPS]), PanopticCounts.none(NUM_CLASSES))
    # torchmetrics divides in single precision.
    if not np.allclose(some.pq_K, theirs.compute().numpy().ravel(), rtol=0, atol=1e-6, equal_nan=True):
        raise SystemExit("torchmetrics' panoptic quality differs")
    total = sum((ours(*pair) for pair in pairs), PanopticCounts.none(NUM_CLASSES))
    columns = (total.true_positives_K, total.false_positives_K, total.false_negatives_K, total.iou_sum_K)
    if not np.allclose(np.stack(columns, axis=1), sum(by_loop(*pair) for pair in pairs), rtol=0, atol=1e-9):
        raise SystemExit("the loop's counts differ")

    our_time = milliseconds(ours, pairs)
    peers = (
        ("torchmetrics PanopticQuality", milliseconds(theirs.update, tensors)),
        ("loop over pairs of ids", milliseconds(by_loop, pairs)),
    )
    segments = statistics.mean(len(panoptic.segments) for pair in pairs for panoptic in pair)
    print(
        f"{len(pairs)} maps of {WIDTH}x{HEIGHT}, {segments:.0f} segments, PQ {100 * total.quality().pq:.1f}; "
        f"median ms of one core a map; {platform.machine()}"
    )
    for other, their_time in peers:
        print(f"panoptic counts {our_time:6.1f}   {other:29} {their_time:8.1f}   ratio {their_time / our_time:5.1f}")
    print(f"from PNG files  {milliseconds_from_files(pairs):6.1f}   (mean, both PNGs read)")


if __name__ == "__main__":
    main()
