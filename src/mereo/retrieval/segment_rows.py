"""One row a segment: vector, class, place, surroundings, thumbnail. What a table of them looks like, how it is read.

What surrounds a segment is sparse (a few classes in each of eight regions), so the rows keep the shares above 0 and
where they stand: `region * classes + class`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mereo.drawing.segment_thumbnail import segment_thumbnail
from mereo.metrics.context_error import NUM_REGIONS, surroundings
from mereo.retrieval.photograph_segments import PhotographSegments

if TYPE_CHECKING:
    import pyarrow as pa

VECTOR = "vector"
SURROUNDINGS = ("surrounding_place", "surrounding_share", "surrounding_inside")


@dataclass(frozen=True, eq=False)
class ImageSegments:
    """What goes into the table for one photograph, under its path relative to the indexed folder."""

    image: str
    content_hash: str
    columns: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["segment"])

    @property
    def dimensions(self) -> int:
        return len(self.columns[VECTOR][0])


def segment_schema(dimensions: int, metadata: dict[bytes, bytes]) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(
        [
            (VECTOR, pa.list_(pa.float32(), dimensions)),
            ("image", pa.string()),
            ("content_hash", pa.string()),
            ("segment", pa.int32()),
            ("class_index", pa.int32()),
            ("class_name", pa.string()),
            ("box_xyxy", pa.list_(pa.int32(), 4)),
            ("area_pixels", pa.int64()),
            ("height", pa.int32()),
            ("width", pa.int32()),
            ("surrounding_place", pa.list_(pa.uint32())),
            ("surrounding_share", pa.list_(pa.float32())),
            ("surrounding_inside", pa.uint8()),
            ("thumbnail", pa.binary()),
        ],
        metadata=metadata,
    )


def image_segments(
    segments: PhotographSegments,
    image_HWC: np.ndarray,
    *,
    image: str,
    content_hash: str,
    class_names: Sequence[str],
    ignore_index: int,
) -> ImageSegments:
    places, shares, insides, thumbnails = [], [], [], []
    for box in segments.box_N4.tolist():
        x0, y0, x1, y1 = box
        share_8K, is_inside_8 = surroundings(
            segments.label_HW, (y0, x0, y1, x1), len(class_names), ignore_label=ignore_index
        )
        place = np.flatnonzero(share_8K)
        places.append(place.astype(np.uint32))
        shares.append(share_8K.ravel()[place].astype(np.float32))
        insides.append(int(np.packbits(is_inside_8)[0]))
        thumbnails.append(segment_thumbnail(image_HWC, (x0, y0, x1, y1)))
    num = len(segments)
    columns = {
        VECTOR: list(segments.vector_ND.astype(np.float32)),
        "image": [image] * num,
        "content_hash": [content_hash] * num,
        "segment": list(range(num)),
        "class_index": segments.class_index_N.tolist(),
        "class_name": [class_names[index] for index in segments.class_index_N.tolist()],
        "box_xyxy": segments.box_N4.tolist(),
        "area_pixels": segments.area_N.tolist(),
        "height": [image_HWC.shape[0]] * num,
        "width": [image_HWC.shape[1]] * num,
        "surrounding_place": places,
        "surrounding_share": shares,
        "surrounding_inside": insides,
        "thumbnail": thumbnails,
    }
    return ImageSegments(image, content_hash, columns)


def joined_rows(images: list[ImageSegments], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    columns = {name: [value for image in images for value in image.columns[name]] for name in schema.names}
    return pa.table(columns, schema=schema)


def vectors_of(rows: "pa.Table") -> np.ndarray:
    """The column of vectors as an array (N D)."""
    chunk = rows[VECTOR].combine_chunks()
    return chunk.flatten().to_numpy(zero_copy_only=False).reshape(len(chunk), chunk.type.list_size)


def surroundings_of(rows: "pa.Table", num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (N 8 K) and which regions lie inside (N 8), as `metrics.context_error` takes them."""
    place, share = (rows[name].combine_chunks() for name in SURROUNDINGS[:2])
    row = np.repeat(np.arange(len(rows)), place.value_lengths().to_numpy(zero_copy_only=False))
    share_Np = np.zeros((len(rows), NUM_REGIONS * num_classes))
    share_Np[row, place.flatten().to_numpy(zero_copy_only=False)] = share.flatten().to_numpy(zero_copy_only=False)
    inside = rows[SURROUNDINGS[2]].to_numpy().astype(np.uint8)
    is_inside_N8 = np.unpackbits(inside[:, None], axis=1).astype(bool)
    return share_Np.reshape(len(rows), NUM_REGIONS, num_classes), is_inside_N8
