"""Searching a million segments: time to build, room on disk, time of a search and its recall, beside a plain product.

Vectors are drawn as a head's would lie: clusters of each class on the unit sphere, frequent and rare classes, several
ways to look within a class; or, with `--like INDEX`, near vectors of that index, and as far from them as these are from
each other. Queries are vectors of the same kind that the index does not have. The peers: one product of numpy with all
vectors in memory (of the class, where one is asked for) and the twenty largest; LanceDB's IVF_FLAT.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from side_by_side import markdown, where_it_ran

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.retrieval.index_facts import IndexFacts
from mereo.retrieval.nearest_segments import ROW_ID, WarmSearch, found_segments, nearest_segments
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import VECTOR, vectors_of

TOP = 20
NUM_CLASSES, WAYS_TO_LOOK = 100, 8
SPREAD_OF_WAYS, SPREAD_WITHIN = 0.6, 0.5
ROWS_AT_ONCE = 50_000
# Of LanceDB's index, by trial: with more and smaller ones recall falls, with fewer time grows.
ROWS_IN_PARTITION = 2_500
Rows = list[list[str]]
Drawn = tuple[np.ndarray, np.ndarray]  # Unit vectors (N D) and the class of each.
TAXONOMY = Taxonomy("drawn", LabelTable(tuple(f"class {index}" for index in range(NUM_CLASSES))))


def drawn_vectors(count: int, dimensions: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (N D) and the class of each; class k is 1 / (k + 1) times as frequent as the first."""
    centres = np.random.default_rng(0)
    centre_KD = unit(centres.normal(size=(NUM_CLASSES, 1, dimensions)))
    way_KWD = unit(
        centre_KD + SPREAD_OF_WAYS / np.sqrt(dimensions) * centres.normal(size=(NUM_CLASSES, WAYS_TO_LOOK, dimensions))
    )
    random = np.random.default_rng(seed)
    share_K = 1 / np.arange(1, NUM_CLASSES + 1)
    class_N = random.choice(NUM_CLASSES, size=count, p=share_K / share_K.sum())
    vector_ND = way_KWD[class_N, random.integers(0, WAYS_TO_LOOK, count)].astype(np.float32)
    for start in range(0, count, ROWS_AT_ONCE):
        part = vector_ND[start : start + ROWS_AT_ONCE]
        part += np.float32(SPREAD_WITHIN / np.sqrt(dimensions)) * random.standard_normal(part.shape, dtype=np.float32)
    return unit(vector_ND), class_N


def vectors_like(real_ND: np.ndarray, real_class_N: np.ndarray, count: int, dimensions: int, *, seed: int) -> Drawn:
    """Each is a real one (turned into the wanted dimensions) and as far from it as that is from its nearest neighbour,
    into any direction: as dense where they are dense, and as scattered where they are scattered."""
    cosine_NN = real_ND @ real_ND.T
    np.fill_diagonal(cosine_NN, -1)
    apart_N = np.sqrt(np.maximum(0, 2 - 2 * cosine_NN.max(axis=1)))
    random = np.random.default_rng(seed)
    turn_DD = np.linalg.qr(np.random.default_rng(0).normal(size=(dimensions, real_ND.shape[1])))[0].T
    chosen = random.integers(0, len(real_ND), count)
    vector_ND = (real_ND[chosen] @ turn_DD).astype(np.float32)
    for start in range(0, count, ROWS_AT_ONCE):
        part = vector_ND[start : start + ROWS_AT_ONCE]
        direction = unit(random.standard_normal(part.shape, dtype=np.float32))
        part += apart_N[chosen[start : start + ROWS_AT_ONCE], None].astype(np.float32) * direction
    return unit(vector_ND), real_class_N[chosen]


def cosines_within(drawn: Drawn) -> str:
    """5th, 50th and 95th percentile of the cosine of two of one class."""
    vector_ND, class_N = drawn
    random = np.random.default_rng(3)
    one, other = random.integers(0, len(class_N), (2, 400_000))
    is_same = (class_N[one] == class_N[other]) & (one != other)
    cosines = np.einsum("nd,nd->n", vector_ND[one[is_same]], vector_ND[other[is_same]])
    return ", ".join(f"{value:.2f}" for value in np.percentile(cosines, [5, 50, 95]))


def real_vectors(folder: Path) -> Drawn:
    rows = SegmentIndex.open(folder).rows((VECTOR, "class_index"))
    vector_ND, class_N = vectors_of(rows), rows["class_index"].to_numpy()
    if class_N.max() >= NUM_CLASSES or len(class_N) < 2:
        raise SystemExit(f"--like must be an index of at most {NUM_CLASSES} classes and two segments or more.")
    return vector_ND, class_N


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def write_index(folder: Path, vector_ND: np.ndarray, class_N: np.ndarray, thumbnail_bytes: int) -> SegmentIndex:
    facts = IndexFacts("drawn", "drawn", ".", TAXONOMY, {})
    index = SegmentIndex.create(folder, facts, dimensions=vector_ND.shape[1])
    for start in range(0, len(vector_ND), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        index.table.add(rows_of(vector_ND[part], class_N[part], start, thumbnail_bytes, index.table.schema))
    return index


def rows_of(
    vector_ND: np.ndarray, class_N: np.ndarray, start: int, thumbnail_bytes: int, schema: pa.Schema
) -> pa.Table:
    """Twenty segments a photograph, a quarter of the regions' classes around each, thumbnails that cannot be packed."""
    num, random = len(vector_ND), np.random.default_rng(start)
    image = (np.arange(num) + start) // 20
    box_N4 = random.integers(0, 2000, (num, 4), dtype=np.int32)
    ends = pa.array(np.arange(num + 1, dtype=np.int32) * 24)
    content = random.bytes(num * thumbnail_bytes)
    columns = {
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vector_ND.ravel()), vector_ND.shape[1]),
        "image": [f"photographs/{number:07d}.jpg" for number in image],
        "content_hash": [f"{number:064x}" for number in image],
        "segment": pa.array(np.arange(num, dtype=np.int32) % 20),
        "class_index": pa.array(class_N.astype(np.int32)),
        "class_name": [TAXONOMY.object_names[index] for index in class_N.tolist()],
        "box_xyxy": pa.FixedSizeListArray.from_arrays(pa.array(box_N4.ravel()), 4),
        "area_pixels": pa.array(np.arange(start, start + num)),  # Which of the vectors this is.
        "height": pa.array(np.full(num, 1024, np.int32)),
        "width": pa.array(np.full(num, 2048, np.int32)),
        "surrounding_place": pa.ListArray.from_arrays(ends, pa.array(random.integers(0, 800, num * 24, np.uint32))),
        "surrounding_share": pa.ListArray.from_arrays(ends, pa.array(random.random(num * 24, np.float32))),
        "surrounding_inside": pa.array(np.full(num, 255, np.uint8)),
        "thumbnail": [content[n * thumbnail_bytes : (n + 1) * thumbnail_bytes] for n in range(num)],
    }
    return pa.table(columns, schema=schema)


def timed(search: Callable[[int], list[int]], num_queries: int) -> tuple[np.ndarray, list[list[int]]]:
    """Milliseconds of each search by the clock and of all processors (Q 2), after some that do not count; what each
    found."""
    for query in range(min(20, num_queries)):
        search(query)
    gc.collect()
    milliseconds, found = [], []
    for query in range(num_queries):
        start, of_processors = time.perf_counter(), time.process_time()
        found.append(search(query))
        milliseconds.append([1000 * (time.perf_counter() - start), 1000 * (time.process_time() - of_processors)])
    return np.array(milliseconds), found


def measured(index: SegmentIndex, warm: WarmSearch, vector_ND: np.ndarray, class_N: np.ndarray, asked: Drawn) -> Rows:
    """A row for searches in all, in the query's own class, and in another class; each with our recall and the peers."""
    query_QD, own_Q = asked
    queries = len(own_Q)
    other_Q = np.random.default_rng(5).permutation(own_Q)
    rows_of_class = [np.flatnonzero(class_N == index) for index in range(NUM_CLASSES)]
    vectors_of_class = [vector_ND[rows] for rows in rows_of_class]
    # Row ids in the order of the vectors: searches answer in row ids.
    ids = index.table.search().select(["area_pixels"]).with_row_id(True).to_arrow()
    number_of_id = dict(zip(ids[ROW_ID].to_pylist(), ids["area_pixels"].to_pylist()))
    rows = []
    for words, class_Q in (("all", None), ("its own class", own_Q), ("any one class", other_Q)):

        def ours(query: int, class_Q: np.ndarray | None = class_Q) -> list[int]:
            class_index = None if class_Q is None else int(class_Q[query])
            return warm.nearest(query_QD[query], top=TOP, class_index=class_index)[0].tolist()

        def plain(query: int, class_Q: np.ndarray | None = class_Q) -> list[int]:
            among_ND = vector_ND if class_Q is None else vectors_of_class[class_Q[query]]
            cosine_N = among_ND @ query_QD[query]
            top = min(TOP, len(cosine_N))
            nearest = np.argpartition(-cosine_N, top - 1)[:top]
            return (nearest if class_Q is None else rows_of_class[class_Q[query]][nearest]).tolist()

        def partitions(query: int, class_Q: np.ndarray | None = class_Q) -> list[int]:
            search = index.table.search(query_QD[query], vector_column_name="vector").distance_type("cosine")
            if class_Q is not None:
                search = search.where(f"class_index = {class_Q[query]}", prefilter=True)
            search = search.limit(TOP).minimum_nprobes(opened_partitions(len(vector_ND))).maximum_nprobes(0)
            return search.select(["_distance"]).with_row_id(True).to_arrow()[ROW_ID].to_pylist()

        of_plain, truth = timed(plain, queries)
        cells = [words]
        for search in (ours, partitions):
            milliseconds, found = timed(search, queries)
            shares = [len({number_of_id[i] for i in a} & set(b)) / max(1, len(b)) for a, b in zip(found, truth)]
            cells += [*p50_and_p95(milliseconds), f"{statistics.mean(shares):.3f}"]
            if search is ours:
                ratio = np.median(of_plain[:, 1]) / np.median(milliseconds[:, 1])
                cells += [*p50_and_p95(of_plain), f"{ratio:.1f}"]
        rows.append(cells)
    return rows


def p50_and_p95(milliseconds_Q2: np.ndarray) -> list[str]:
    """By the clock, and of the processors: on a busy machine the clock mostly says how busy it is."""
    p50_2, p95_2 = np.percentile(milliseconds_Q2, [50, 95], axis=0)
    return [f"{p50_2[0]:.1f}, {p95_2[0]:.1f}", f"{p50_2[1]:.1f}, {p95_2[1]:.1f}"]


def opened_partitions(num_rows: int) -> int:
    """Of LanceDB's: a twentieth, and twelve at least."""
    return min(num_rows // ROWS_IN_PARTITION, max(12, num_rows // ROWS_IN_PARTITION // 20))


def train_partitions(index: SegmentIndex, num_rows: int) -> None:
    from lancedb.index import Bitmap, IvfFlat

    config = IvfFlat(
        distance_type="cosine", num_partitions=num_rows // ROWS_IN_PARTITION, max_iterations=10, sample_rate=64
    )
    index.table.create_index("vector", config=config)
    index.table.create_index("class_index", config=Bitmap())


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    arguments.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--dimensions", type=int, default=64)
    arguments.add_argument("--queries", type=int, default=1000)
    arguments.add_argument("--thumbnail-bytes", type=int, default=2000)
    arguments.add_argument("--like", type=Path, help="an index whose vectors the drawn ones resemble")
    options = arguments.parse_args()
    real = None if options.like is None else real_vectors(options.like)

    def draw(count: int, seed: int) -> Drawn:
        if real is None:
            return drawn_vectors(count, options.dimensions, seed=seed)
        return vectors_like(*real, count, options.dimensions, seed=seed)

    about, searches = [], []
    for num in options.rows:
        vector_ND, class_N = draw(num, 1)
        with tempfile.TemporaryDirectory() as folder:
            seconds = [time.perf_counter()]
            index = write_index(Path(folder), vector_ND, class_N, options.thumbnail_bytes)
            index.tidy()
            seconds.append(time.perf_counter())
            size = size_of(Path(folder))
            warm = WarmSearch(index)
            seconds.append(time.perf_counter())
            train_partitions(index, num)
            seconds.append(time.perf_counter())
            written, warmed, trained = np.diff(seconds)
            by_disk, _ = timed(lambda query: once(index, vector_ND[query]), 20)  # noqa: B023
            shown, _ = timed(lambda query: shown_of(index, warm, vector_ND[query]), 200)  # noqa: B023
            numbers = [f"{written:.1f}", f"{size / num:,.0f}", f"{warmed:.1f}", f"{trained:.1f}"]
            about.append([f"{num:,}", *numbers, *p50_and_p95(by_disk), *p50_and_p95(shown)])
            searches += [
                [f"{num:,}", *row] for row in measured(index, warm, vector_ND, class_N, draw(options.queries, 77))
            ]
    print(f"{where_it_ran()}; {options.queries} queries, the {TOP} nearest, {options.dimensions} dimensions\n")
    print(f"Cosines of two of one class (5th, 50th, 95th percentile): {cosines_within((vector_ND, class_N))}", end="")
    print("." if real is None else f"; of the {len(real[1]):,} in the index {cosines_within(real)}.", end="\n\n")
    print("Milliseconds: p50, p95 by the clock; of the processors. Ratio: processors, p50.\n")
    header = ["rows", "s to write", "bytes a row", "s to warm", "s to train LanceDB's", "once", "processors"]
    print(markdown([*header, "warm with thumbnails", "processors"], about), end="\n\n")
    header = ["rows", "searched", "ours", "processors", "recall", "numpy", "processors", "numpy / ours"]
    print(markdown([*header, "IVF_FLAT", "processors", "recall"], searches))


def once(index: SegmentIndex, query_D: np.ndarray) -> list[int]:
    return [one.segment for one in nearest_segments(index, query_D, top=TOP)]


def shown_of(index: SegmentIndex, warm: WarmSearch, query_D: np.ndarray) -> list[int]:
    return [one.segment for one in found_segments(index, *warm.nearest(query_D, top=TOP))]


if __name__ == "__main__":
    main()
