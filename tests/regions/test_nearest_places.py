"""Places on another grid: as torch's exact nearest resizing finds them."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.regions.nearest_places import nearest_places


@given(st.integers(1, 50), st.integers(1, 50))
@settings(deadline=None)
def test_places_as_torch_finds_the_nearest(length: int, num_places: int) -> None:
    row = torch.arange(length, dtype=torch.float64)[None, None]
    wanted = torch.nn.functional.interpolate(row, size=num_places, mode="nearest-exact")[0, 0]
    assert nearest_places(length, num_places).tolist() == wanted.tolist()
