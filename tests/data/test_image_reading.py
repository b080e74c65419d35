import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mereo.data.pictures.image_reading import decode_image, image_size, open_picture, read_image
from mereo.data.pictures.orientation import exif_orientation, turned, view_as_stored
from mereo.errors import BadEnvironment, BadInput

RAMP = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


def saved(folder: Path, picture: Image.Image, name: str, **options) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path


def grey(value: float, mode: str, size: tuple[int, int] = (3, 2)) -> Image.Image:
    return Image.new(mode, size, value)


def close(image: np.ndarray, colour: tuple[int, int, int], tolerance: int = 3) -> bool:
    return image.dtype == np.uint8 and bool((np.abs(image.astype(int) - colour) <= tolerance).all())


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_lossless_formats_come_back_exactly(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, Image.fromarray(RAMP), f"a.{suffix}", **options)
    np.testing.assert_array_equal(read_image(path), RAMP)
    assert image_size(path) == (6, 4)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_equal_pillows_own(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    path = saved(tmp_path, Image.fromarray(RAMP), f"a.{suffix}", exif=exif, **options)
    expected = np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    np.testing.assert_array_equal(read_image(path), expected)
    assert image_size(path) == expected.shape[:2] == ((4, 6) if orientation >= 5 else (6, 4))


@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 5))
def test_turning_loses_no_pixel(orientation, height, width):
    array = np.arange(height * width).reshape(height, width)
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    np.testing.assert_array_equal(turned(turned(array, orientation), back), array)


@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 5))
def test_what_is_written_as_stored_is_turned(orientation, height, width):
    stored = np.arange(height * width).reshape(height, width)
    result = np.empty_like(turned(stored, orientation))
    view_as_stored(result, orientation)[:] = stored
    np.testing.assert_array_equal(result, turned(stored, orientation))


def test_corrupt_exif_counts_as_not_turned(tmp_path):
    path = saved(tmp_path, Image.fromarray(RAMP), "a.jpg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 40)
    assert read_image(path).shape == (6, 4, 3)
    for value in (0, 9, 1000):
        exif = Image.Exif()
        exif[274] = value
        with open_picture(saved(tmp_path, Image.fromarray(RAMP), "b.png", exif=exif)) as picture:
            assert exif_orientation(picture) == 1


def test_modes_become_rgb(tmp_path):
    palette = Image.new("P", (3, 2), 1)
    palette.putpalette([0, 0, 0, 10, 200, 30])
    for name, picture, colour, options in [
        ("one.png", grey(1, "1"), (255, 255, 255), {}),
        ("l.png", grey(77, "L"), (77, 77, 77), {}),
        ("la.png", Image.new("LA", (3, 2), (0, 0)), (255, 255, 255), {}),
        ("la_solid.png", Image.new("LA", (3, 2), (40, 255)), (40, 40, 40), {}),
        ("p.png", palette, (10, 200, 30), {}),
        ("p_transparent.png", palette, (255, 255, 255), {"transparency": 1}),
        ("rgba.png", Image.new("RGBA", (3, 2), (255, 0, 0, 128)), (255, 127, 127), {}),
        ("rgb_transparent.png", Image.new("RGB", (3, 2), (9, 9, 9)), (255, 255, 255), {"transparency": (9, 9, 9)}),
        ("i16.png", Image.fromarray(np.full((2, 3), 257 * 100, np.uint16)), (100, 100, 100), {}),
        ("i16.tif", Image.fromarray(np.full((2, 3), 65535, np.uint16)), (255, 255, 255), {}),
        ("i.tif", Image.fromarray(np.full((2, 3), 200, np.int32)), (200, 200, 200), {}),
        ("i_wide.tif", Image.fromarray(np.full((2, 3), 65535, np.int32)), (255, 255, 255), {}),
        ("f_unit.tif", Image.fromarray(np.full((2, 3), 0.5, np.float32)), (128, 128, 128), {}),
        ("f_byte.tif", Image.fromarray(np.full((2, 3), 200.0, np.float32)), (200, 200, 200), {}),
        ("f_nan.tif", Image.fromarray(np.full((2, 3), np.nan, np.float32)), (0, 0, 0), {}),
        ("cmyk.jpg", Image.new("CMYK", (16, 16), (255, 0, 255, 0)), (0, 255, 0), {"quality": 95}),
        ("cmyk.tif", Image.new("CMYK", (3, 2), (0, 0, 0, 255)), (0, 0, 0), {}),
        ("ycbcr.jpg", Image.new("RGB", (16, 16), (200, 30, 60)).convert("YCbCr"), (200, 30, 60), {"quality": 95}),
    ]:
        assert close(read_image(saved(tmp_path, picture, name, **options)), colour), name


def test_floats_of_any_range_are_stretched_and_infinities_are_dark(tmp_path):
    values = np.array([[-1000.0, 0.0, 3000.0, np.inf]], dtype=np.float32)
    image = read_image(saved(tmp_path, Image.fromarray(values), "a.tif"))
    assert image[0, :, 0].tolist() == [0, 64, 255, 64]


@pytest.mark.parametrize("size", [(1, 3_000_000), (3, 700_001), (2100, 1000)])
@pytest.mark.parametrize("mode", ["RGBA", "F", "I;16"])
def test_bands_leave_no_seam(tmp_path, size, mode):
    """Larger than a band: what decides the scale of a float picture may stand anywhere in it."""
    height, width = size
    random = np.random.default_rng(0)
    if mode == "RGBA":
        values = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
        share = values[..., 3:].astype(float) / 255
        expected = np.rint(values[..., :3] * share + 255 * (1 - share))
    elif mode == "F":
        values = random.random((height, width), dtype=np.float32)
        values[-1, -1] = -3
        expected = np.rint((values.astype(float) + 3) / (values.max() + 3.0) * 255)[..., None]
    else:
        values = random.integers(0, 65536, (height, width)).astype(np.uint16)
        expected = np.rint(values / 257)[..., None]
    image = read_image(saved(tmp_path, Image.fromarray(values), "a.tif"))
    assert image.shape == (height, width, 3) and np.abs(image - expected).max() <= 1


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_an_animation_shows_its_first_frame(tmp_path, suffix):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, frames[0], f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert close(read_image(path), (255, 0, 0))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (60000, 1)])
def test_extreme_sizes(tmp_path, size):
    path = saved(tmp_path, Image.new("RGB", size[::-1], (1, 2, 3)), "a.png")
    assert read_image(path).shape == (*size, 3) and image_size(path) == size


def test_the_content_counts_not_the_suffix(tmp_path):
    saved(tmp_path, Image.fromarray(RAMP), "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), RAMP)


def test_the_size_is_checked_before_decoding(tmp_path):
    path = saved(tmp_path, Image.new("1", (9000, 9000)), "bomb.png")
    assert image_size(path) == (9000, 9000)
    with pytest.raises(BadInput, match=r"at most 64,000,000 pixels, but got 9000x9000 in .*bomb.png; make it smaller"):
        read_image(path)
    small = saved(tmp_path, Image.fromarray(RAMP), "a.png")
    with pytest.raises(BadInput, match="at most 23 pixels, but got 4x6"):
        read_image(small, max_pixels=23)
    assert read_image(small, max_pixels=24).shape == (6, 4, 3)


def test_pillows_own_limit_neither_interferes_nor_changes(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    path = saved(tmp_path, Image.new("1", (9500, 9500)), "large.png")
    assert image_size(path, max_pixels=None) == (9500, 9500)
    assert Image.MAX_IMAGE_PIXELS == before


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp", "gif"])
def test_truncated_files_are_named(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), f"cut.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match=rf"an image must .* but got .*cut.{suffix}.*; save or copy it again"):
        read_image(path)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello " * 50)
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "folder.jpg").mkdir()
    for name, got in [
        ("empty.jpg", "an empty file"),
        ("text.jpg", "text"),
        ("a.svg", "an SVG drawing"),
        ("a.pdf", "a PDF"),
        ("folder.jpg", "a folder"),
        ("missing.jpg", "No such file"),
    ]:
        with pytest.raises(BadInput, match=f"an image must be .*but got {got}.* in .*{name}"):
            read_image(tmp_path / name)
    with pytest.raises(BadInput, match="but got embedded null byte"):
        read_image("a\0b.jpg")
    with pytest.raises(BadInput, match="File name too long|but got"):
        read_image("x" * 10_000 + ".jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_opening_it(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    with pytest.raises(BadInput, match="a device, pipe or socket"):
        read_image(tmp_path / "x.jpg")


def test_a_name_with_a_newline_stays_on_one_line(tmp_path):
    (tmp_path / "a\nb.jpg").write_bytes(b"")
    with pytest.raises(BadInput) as caught:
        read_image(tmp_path / "a\nb.jpg")
    assert "\n" not in str(caught.value) and r"a\nb.jpg" in str(caught.value)


def test_out_of_memory_is_the_machines_fault(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.fromarray(RAMP), "a.png")
    monkeypatch.setattr(
        "mereo.data.pictures.image_reading.upright_rgb_HW3", lambda *_: (_ for _ in ()).throw(MemoryError())
    )
    with pytest.raises(BadEnvironment, match="memory must hold the decoded picture"):
        read_image(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_flipped_and_cut_bytes_give_an_image_or_bad_input(data):
    suffix = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"]))
    stream = io.BytesIO()
    Image.fromarray(RAMP).save(stream, suffix)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_image(bytes(content[: data.draw(st.integers(0, len(content)))]), max_pixels=10_000)
    except BadInput:
        return
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
