"""The canvas, the camera and the patterns against slow or exact answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.data.drawn.camera import Camera, cross
from mereo.data.drawn.canvas import Canvas
from mereo.data.drawn.labels import Label, drawn_taxonomy
from mereo.data.drawn.light import RoomLight, vector
from mereo.data.drawn.noise import noise, noise_tile
from mereo.data.drawn.stage import Stage, hull, rectangle_outline
from mereo.data.drawn.surfaces import plain

WHITE = np.ones(3, dtype=np.float32)


def bright_stage(height: int, width: int) -> Stage:
    camera = Camera(vector(0, 1.5, 0), height, width)
    return Stage(Canvas(height, width), camera, RoomLight(WHITE))


def test_image_and_labels_are_painted_together() -> None:
    canvas = Canvas(4, 5)
    canvas.fill(np.zeros(3), Label("wall"), "plaster", "smooth")
    alpha = np.array([[1.0, 0.5], [0.49, 0.0]], dtype=np.float32)
    canvas.paint(1, 2, alpha, np.ones((1, 1, 3), dtype=np.float32), Label("chair", 7, "leg"), "wood", "grained")
    maps, names = canvas.label_maps(), drawn_taxonomy().object_names
    assert np.argwhere(maps.semantic_HW == names.index("chair")).tolist() == [[2, 1], [2, 2]]
    assert np.allclose(canvas.image_HW3[2:4, 1:3, 0], alpha)
    assert maps.instances_HW.max() == 1 and (maps.instances_HW > 0).sum() == 2
    assert drawn_taxonomy().parts.names[maps.parts_HW[2, 1]] == "leg"
    assert maps.parts_HW[0, 0] == drawn_taxonomy().parts.ignore_index


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_painting_some_pixels_equals_painting_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    alpha = np.where(rng.random((6, 9)) < 0.4, rng.random((6, 9)), 0).astype(np.float32)
    rgb = rng.random((6, 9, 3)).astype(np.float32)
    whole, pixels = Canvas(8, 12), Canvas(8, 12)
    for canvas in (whole, pixels):
        canvas.fill(np.array([0.2, 0.4, 0.6]), Label("sky"), None, "smooth")
    whole.paint(2, 1, alpha, rgb, Label("car", 1, "body"), "metal", "smooth")
    row, column = np.nonzero(alpha)
    pixels.paint_pixels(
        row + 1, column + 2, alpha[row, column], rgb[row, column], Label("car", 1, "body"), "metal", "smooth"
    )
    assert np.allclose(whole.image_HW3, pixels.image_HW3, atol=1e-6)
    assert (whole.code_HW == pixels.code_HW).all()


@settings(max_examples=40, deadline=None)
@given(
    left=st.floats(-5, 25), bottom=st.floats(-5, 25), width=st.floats(2, 30), height=st.floats(2, 30)
)  # fmt: skip
def test_coverage_is_the_area(left: float, bottom: float, width: float, height: float) -> None:
    canvas = Canvas(20, 24)
    found = canvas.coverage(rectangle_outline(left, left + width, bottom, bottom + height))
    inside_width = max(min(left + width, 24) - max(left, 0), 0)
    inside_height = max(min(bottom + height, 20) - max(bottom, 0), 0)
    area = 0.0 if found is None else float(found[2].sum())
    # About a tenth of a pixel is added along each side, never taken away by more than rounding.
    excess = area - inside_width * inside_height
    assert -0.15 * (inside_width + inside_height) - 0.1 <= excess <= 0.55 * (inside_width + inside_height) + 0.5


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_place_is_the_inverse_of_projection(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = Camera(
        vector(*rng.normal(0, 1, 3)), 48, 64, yaw=rng.normal(0, 0.5), pitch=rng.normal(0, 0.3), roll=rng.normal(0, 0.2)
    )
    origin = camera.position + 5 * camera.rotation_33[2] + rng.normal(0, 0.5, 3)
    along_u = rng.normal(0, 1, 3)
    along_u /= np.linalg.norm(along_u)
    along_v = cross(along_u, rng.normal(0, 1, 3))
    along_v /= np.linalg.norm(along_v)
    place = camera.place(origin, along_u, along_v, 0, 0, (48, 64))
    for row, column in ((0, 0), (20, 40), (47, 63)):
        depth = float(place.depth[row, column])
        if depth > 1000:
            continue  # Beyond the plane's horizon.
        point = origin + float(place.u[row, column]) * along_u + float(place.v[row, column]) * along_v
        pixel = camera.to_pixel_33 @ (point - camera.position)
        assert pixel[2] == pytest.approx(depth, rel=1e-2)
        assert pixel[:2] / pixel[2] == pytest.approx([column + 0.5, row + 0.5], abs=0.05)


def test_what_is_behind_the_camera_is_not_seen() -> None:
    stage = bright_stage(20, 30)
    behind = stage.patch(vector(0, 0, -2), vector(1, 0, 0), vector(0, 1, 0), rectangle_outline(-1, 1, 0, 2))
    assert behind is None
    assert not stage.camera.sees(vector(0, 0, -9), 1.0) and stage.camera.sees(vector(0, 0, 9), 1.0)
    ground = stage.ground(rectangle_outline(-1e4, 1e4, -1e4, 1e4))  # Reaches behind the camera and far outside.
    assert ground is not None
    ground.paint(plain(WHITE, "soil"), Label("grass"))
    is_grass = stage.canvas.label_maps().semantic_HW == drawn_taxonomy().object_names.index("grass")
    assert is_grass[11:].all() and not is_grass[:10].any()


def test_shadows_fall_on_the_ground_only() -> None:
    canvas = Canvas(10, 10)
    canvas.fill(np.ones(3), Label("floor"), "wood", "smooth")
    canvas.paint(0, 0, np.ones((5, 10), dtype=np.float32), np.ones((1, 1, 3)), Label("wall"), "plaster", "smooth")
    before = canvas.code_HW.copy()
    canvas.shade_ground(rectangle_outline(0, 10, 0, 10), strength=0.5, softness_pixels=0.5)
    assert (canvas.image_HW3[:5] == 1).all() and (canvas.image_HW3[6:9] < 0.7).all()
    assert (canvas.code_HW == before).all()


@settings(max_examples=40, deadline=None)
@given(points=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=14))
def test_hull_against_scipy(points: list[tuple[int, int]]) -> None:
    from scipy.spatial import ConvexHull, QhullError

    array = np.array(points, dtype=float)
    try:
        expected = ConvexHull(array)
    except QhullError:
        return  # All on one line.
    corners = hull(array)
    x, y = corners[:, 0], corners[:, 1]
    area = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    assert area == pytest.approx(expected.volume)


def test_noise_has_no_borders_and_stays_in_range() -> None:
    tile = noise_tile(16)
    assert tile.min() >= 0 and tile.max() <= 1 and abs(float(tile.mean()) - 0.5) < 0.02
    step_inside = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() < 2 * step_inside
    u = np.linspace(-50, 50, 101, dtype=np.float32)
    values = noise(u, u * 0, scale=3.0, pixel=0.5)
    assert values.shape == u.shape and 0 <= values.min() and values.max() <= 1
