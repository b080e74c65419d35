"""Counting bands says what `Parse.segments` says of the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mereo.assembly.label_bands import BandedSegments, LabelBand
from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy

TAXONOMY = Taxonomy("five", LabelTable(tuple("abcde")))


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 17), st.integers(0, 10**6))
def test_bands_say_what_the_whole_says(height: int, width: int, band: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    label_HW = random.integers(0, 5, (height, width)).astype(np.int32)
    label_HW[label_HW == random.integers(5)] = 0
    counted = BandedSegments(TAXONOMY, (height, width))
    for top in range(0, height, band):
        counted.add(LabelBand(top, label_HW[top : top + band]))
    whole = Parse(np.zeros((height, width, 3), dtype=np.uint8), label_HW, TAXONOMY)
    assert counted.segments == whole.segments
