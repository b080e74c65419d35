"""The pieces of a parse: instances where it tells them apart, and connected pieces of each class for all the rest."""

from typing import Final

import cc3d
import numpy as np

from mereo.assembly.parse import Parse

CONNECTIVITY: Final = 8


def pieces_of(parse: Parse) -> tuple[np.ndarray, np.ndarray]:
    """A map of pieces counted from 0 (H W), and the class of each: instances, and connected pieces of what is left.

    >>> from mereo.data.taxonomy import LabelTable, Taxonomy
    >>> label_HW = np.array([[0, 1, 0], [0, 1, 0]])
    >>> parse = Parse(np.zeros((2, 3, 3), np.uint8), label_HW, Taxonomy("two", LabelTable(("sky", "pole"))))
    >>> piece_HW, class_index_M = pieces_of(parse)
    >>> piece_HW[0].tolist(), class_index_M.tolist()
    ([0, 1, 2], [0, 1, 0])
    """
    # Pixels of no instance hang together by class; those of an instance are one piece, however it is cut.
    label_HW = parse.semantic.astype(np.uint32) + 1
    if parse.instances is not None:
        label_HW[parse.instances != 0] = 0
    piece_HW = np.asarray(cc3d.connected_components(label_HW, connectivity=CONNECTIVITY)).astype(np.int32)
    instances = [] if parse.instances is None else [one for one in parse.segments if one.instance_id]
    num_pieces = int(piece_HW.max())
    class_index_M = np.zeros(num_pieces + len(instances), dtype=np.int32)
    is_piece_HW = piece_HW > 0
    class_index_M[piece_HW[is_piece_HW] - 1] = parse.semantic[is_piece_HW]
    class_index_M[num_pieces:] = [segment.class_index for segment in instances]
    if parse.instances is not None and instances:
        number_of_id = np.zeros(int(parse.instances.max()) + 1, dtype=np.int32)
        number_of_id[[segment.instance_id for segment in instances]] = np.arange(num_pieces, len(class_index_M)) + 1
        piece_HW = np.where(is_piece_HW, piece_HW, number_of_id[parse.instances])
    return piece_HW - 1, class_index_M
