"""Part slices against plain loops over the taxonomy; which objects count in an image."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.data.part_slices import NO_ENTRY, part_slices
from mereo.data.taxonomy import LabelTable, Taxonomy

OBJECTS = ("sky", "car", "person", "wall")
PARTS = ("wheel", "head", "door", "leg")
OWNERS = (("car",), ("person",), ("car", "wall"), ("person",))
TAXONOMY = Taxonomy("t", LabelTable(OBJECTS), parts=LabelTable(PARTS), part_owners=OWNERS)


def by_names(taxonomy: Taxonomy) -> list[tuple[str, str | None]]:
    return [
        (owner, part)
        for owner in taxonomy.objects.names
        if taxonomy.parts_of(owner)
        for part in [None, *taxonomy.parts_of(owner)]
    ]


def labels_by_loop(taxonomy: Taxonomy, semantic_BHW: np.ndarray, parts_BHW: np.ndarray) -> np.ndarray:
    assert taxonomy.parts is not None
    entries = by_names(taxonomy)
    label_BHW = np.full(semantic_BHW.shape, NO_ENTRY)
    names_of = {}
    for place in np.ndindex(semantic_BHW.shape):
        thing, part = semantic_BHW[place], parts_BHW[place]
        names_of[place] = (
            taxonomy.objects.names[thing] if thing < len(taxonomy.objects) else None,
            taxonomy.parts.names[part] if part < len(taxonomy.parts) else None,
        )
    for place, (thing, part) in names_of.items():
        is_told = any(
            other[0] == place[0] and names[0] == thing and names[1] is not None and names in entries
            for other, names in names_of.items()
        )
        if is_told and (thing, part) in entries:
            label_BHW[place] = entries.index((thing, part))
    return label_BHW


def test_entries_are_rest_and_parts_of_each_object() -> None:
    slices = part_slices(TAXONOMY)
    assert slices is not None
    assert slices.names(TAXONOMY) == tuple(f"{owner}: {part or 'rest'}" for owner, part in by_names(TAXONOMY))
    assert slices.owners == (1, 2, 3) and slices.spans == ((0, 3), (3, 6), (6, 8)) and slices.num_entries == 8
    assert slices.part_of_entry == (None, 0, 2, None, 1, 3, None, 2)


def test_a_rest_that_label_maps_hold() -> None:
    """Then a pixel without a part is unknown, whatever else is named in its image."""
    parts = LabelTable(("rest", "wheel", "door"))
    taxonomy = Taxonomy("t", LabelTable(OBJECTS), parts=parts, part_owners=((), ("car",), ("car", "wall")))
    slices = part_slices(taxonomy)
    assert slices is not None
    assert slices.names(taxonomy) == ("car: rest", "car: wheel", "car: door", "wall: rest", "wall: door")
    assert slices.part_of_entry == (0, 1, 2, 0, 2)
    semantic_BHW, parts_BHW = torch.tensor([[[1, 1, 1, 3, 3, 0]]]), torch.tensor([[[0, 1, 255, 0, 1, 0]]])
    assert slices.labels(semantic_BHW, parts_BHW).tolist() == [[[0, 1, -1, 3, -1, -1]]]


def test_objects_without_parts() -> None:
    assert part_slices(Taxonomy("t", LabelTable(OBJECTS))) is None
    assert part_slices(Taxonomy("t", LabelTable(OBJECTS), parts=LabelTable(PARTS))) is None


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_labels_are_those_of_the_loop(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    semantic_BHW = random.choice([0, 1, 2, 3, 255], (2, 3, 4))
    parts_BHW = np.where(random.random((2, 3, 4)) < share, random.integers(0, 4, (2, 3, 4)), 255)
    slices = part_slices(TAXONOMY)
    assert slices is not None
    found_BHW = slices.labels(torch.from_numpy(semantic_BHW), torch.from_numpy(parts_BHW).int())
    np.testing.assert_array_equal(found_BHW.numpy(), labels_by_loop(TAXONOMY, semantic_BHW, parts_BHW))


def test_an_object_without_a_named_part_says_nothing() -> None:
    slices = part_slices(TAXONOMY)
    assert slices is not None
    semantic_BHW = torch.tensor([[[1, 1, 2, 0]], [[1, 1, 2, 0]]])
    parts_BHW = torch.tensor([[[0, 255, 255, 255]], [[255, 255, 1, 1]]])
    # Image 0: the car's wheel is named, so the car's other pixel is its rest. Image 1: only the person's head is.
    assert slices.labels(semantic_BHW, parts_BHW).tolist() == [[[1, 0, -1, -1]], [[-1, -1, 4, -1]]]
    # A head on the sky is no entry at all; a wheel on a person is none either.
    assert slices.entries(semantic_BHW, parts_BHW)[1].tolist() == [[0, 0, 4, -1]]
    assert slices.entries(torch.tensor([[[2]]]), torch.tensor([[[0]]])).tolist() == [[[-1]]]


def test_of_drawn_scenes() -> None:
    taxonomy, sample = drawn_taxonomy(), draw_scene(0, 1, size=(24, 32))
    slices = part_slices(taxonomy)
    assert slices is not None and sample.semantic_HW is not None and sample.parts_HW is not None
    found_1HW = slices.labels(sample.semantic_HW[None].as_subclass(torch.Tensor), sample.parts_HW[None])
    wanted = labels_by_loop(taxonomy, sample.semantic_HW.numpy()[None], sample.parts_HW.numpy()[None])
    np.testing.assert_array_equal(found_1HW.numpy(), wanted)
    assert (wanted >= 0).any()
