"""Parts within objects: against F.interpolate and argmax pixel by pixel, in both kinds of taxonomies."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mereo.assembly.part_decision import parts_within_objects
from mereo.data.part_slices import part_slices
from mereo.data.taxonomy import LabelTable, Taxonomy

OBJECTS = LabelTable(("sky", "car", "person", "wall"))
NAMED = Taxonomy(
    "named",
    OBJECTS,
    parts=LabelTable(("wheel", "head", "door", "leg")),
    part_owners=(("car",), ("person",), ("car", "wall"), ("person",)),
)
WITH_REST = Taxonomy(
    "rest",
    OBJECTS,
    parts=LabelTable(("rest", "wheel", "head", "door")),
    part_owners=((), ("car",), ("person",), ("car", "wall")),
)


@pytest.mark.parametrize("taxonomy", [NAMED, WITH_REST], ids=lambda one: one.name)
@pytest.mark.parametrize("size", [(4, 5), (17, 23)])
def test_pixel_by_pixel(taxonomy: Taxonomy, size: tuple[int, int]) -> None:
    slices = part_slices(taxonomy)
    assert slices is not None and taxonomy.parts is not None
    generator = torch.Generator().manual_seed(0)
    logits_Khw = torch.randn(slices.num_entries, 4, 5, generator=generator)
    semantic_HW = np.random.default_rng(0).integers(0, 4, size).astype(np.int32)
    found_HW = parts_within_objects(logits_Khw, semantic_HW, slices, ignore_index=255)
    logits_KHW = F.interpolate(logits_Khw[None], size=size, mode="bilinear", align_corners=False)[0].numpy()
    entries = [
        (owner, part)
        for owner in taxonomy.object_names
        if taxonomy.parts_of(owner)
        for part in ["rest", *taxonomy.parts_of(owner)]
    ]
    for place in np.ndindex(size):
        owner = taxonomy.object_names[semantic_HW[place]]
        own = [entry for entry, (name, _) in enumerate(entries) if name == owner]
        wanted = 255
        if own:
            part = entries[max(own, key=lambda entry: logits_KHW[entry][place])][1]
            wanted = taxonomy.parts.names.index(part) if part in taxonomy.parts.names else 255
        assert found_HW[place] == wanted
    assert found_HW.dtype == np.int32 and len(np.unique(found_HW)) > 2


def test_no_object_with_parts_in_the_picture() -> None:
    slices = part_slices(NAMED)
    assert slices is not None
    found_HW = parts_within_objects(torch.zeros(8, 2, 2), np.zeros((3, 3), np.int32), slices, ignore_index=255)
    assert (found_HW == 255).all()
