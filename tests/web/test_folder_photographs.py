"""Photographs of a folder by number: which are listed and in which order, what is shown of them, what is refused."""

import io
import logging
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.pictures.image_reading import decode_preview
from mereo.errors import BadInput
from mereo.web import folder_photographs
from mereo.web.folder_photographs import MAX_BYTES, FolderPhotographs, NoSuchPhotograph


def save(path: Path, *, size: tuple[int, int] = (24, 32), value: int = 90, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path, **options)
    return path


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_photographs, "SECONDS_BETWEEN_LOOKS", 0.0)


def names_of(photographs: FolderPhotographs) -> list[str]:
    return [name for _, name in photographs.names(0, 100)]


def test_what_is_listed_and_in_which_order(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    for name in ("img10.png", "img2.jpg", "IMG1.PNG", "street/b.webp", "street/a 3.tif", "notes.png.txt"):
        path = folder / name
        save(path) if not name.endswith("txt") else path.write_text("no picture")
    for name in (".hidden/a.png", ".thumb.png", "mereo_labels/images/img2.png", "mereo_labels/labels/img2.png"):
        save(folder / name)
    save(tmp_path / "elsewhere" / "secret.png")
    os.symlink(tmp_path / "elsewhere" / "secret.png", folder / "link_out.png")
    os.symlink(tmp_path / "elsewhere", folder / "linked")
    os.symlink(folder / "img2.jpg", folder / "link_in.png")
    photographs = FolderPhotographs(folder)
    wanted = ["IMG1.PNG", "img2.jpg", "img10.png", "link_in.png", "street/a 3.tif", "street/b.webp"]
    assert names_of(photographs) == wanted and photographs.total == 6
    assert photographs.names(1, 2) == [(1, "img2.jpg"), (2, "img10.png")] and photographs.names(6, 60) == []


def test_labels_of_a_folder_within_are_no_photographs_either(tmp_path: Path) -> None:
    save(tmp_path / "trips" / "mereo_labels" / "a.png")
    save(tmp_path / "trips" / "b.png")
    assert names_of(FolderPhotographs(tmp_path)) == ["trips/b.png"]
    assert names_of(FolderPhotographs(tmp_path / "trips" / "mereo_labels")) == ["a.png"], (
        "named itself, it is looked at"
    )


def test_numbers_stay_when_files_come_and_go(tmp_path: Path) -> None:
    save(tmp_path / "b.png", value=20)
    save(tmp_path / "d.png", value=40)
    photographs = FolderPhotographs(tmp_path)
    assert photographs.names(0, 9) == [(0, "b.png"), (1, "d.png")]
    save(tmp_path / "a.png", value=10)
    save(tmp_path / "c.png", value=30)
    (tmp_path / "b.png").unlink()
    assert photographs.names(0, 9) == [(2, "a.png"), (3, "c.png"), (1, "d.png")] and photographs.total == 3
    assert [int(photographs.image(number)[1].mean()) for number in (1, 2, 3)] == [40, 10, 30]
    with pytest.raises(NoSuchPhotograph, match=r"must still be there and readable, but got No such file .* in b\.png;"):
        photographs.image(0)
    save(tmp_path / "b.png", value=21)
    assert photographs.image(0)[1].mean() == 21 and (0, "b.png") in photographs.names(0, 9)


def test_it_looks_again_only_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(folder_photographs, "SECONDS_BETWEEN_LOOKS", 3.0)
    monkeypatch.setattr(folder_photographs.time, "monotonic", lambda: now[0])
    photographs = FolderPhotographs(tmp_path)
    save(tmp_path / "a.png")
    now[0] = 102.9
    assert photographs.total == 0
    now[0] = 103.1
    assert photographs.total == 1


def test_at_most_so_many_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folder_photographs, "MAX_PHOTOGRAPHS", 3)
    for number in range(5):
        save(tmp_path / f"{number}.png")
    with caplog.at_level(logging.WARNING, logger="mereo"):
        photographs = FolderPhotographs(tmp_path)
        assert names_of(photographs) == ["0.png", "1.png", "2.png"]
    assert [record.getMessage() for record in caplog.records] == [
        "The folder holds more than 3 photographs: the first are shown."
    ]


def turned_photograph(path: Path) -> None:
    """Stored lying, left half white, to be turned by a quarter; with an EXIF tag that names its maker."""
    picture = np.zeros((600, 1000, 3), np.uint8)
    picture[:, :500] = 255
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A secret maker"
    Image.fromarray(picture).save(path, exif=exif)


def test_thumbnails_are_small_upright_and_without_exif(tmp_path: Path) -> None:
    turned_photograph(tmp_path / "turned.jpg")
    content = FolderPhotographs(tmp_path).thumbnail(0)
    assert b"secret" in (tmp_path / "turned.jpg").read_bytes() and b"secret" not in content
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "JPEG" and picture.size == (192, 320) and not picture.getexif()
        pixels = np.asarray(picture)
    assert pixels[:150].min() > 240 and pixels[-150:].max() < 15, "what was left is above"


def test_an_image_is_upright_with_its_name(tmp_path: Path) -> None:
    turned_photograph(tmp_path / "turned.jpg")
    name, image_HWC = FolderPhotographs(tmp_path).image(0)
    assert name == "turned.jpg" and image_HWC.shape == (1000, 600, 3) and image_HWC.dtype == np.uint8
    assert image_HWC[:490].min() > 240 and image_HWC[-490:].max() < 15


@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (3, 1500), (100, 60)])
def test_previews_of_any_shape(size: tuple[int, int], tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        content = save(tmp_path / f"a.{suffix}", size=size).read_bytes()
        preview_HWC = decode_preview(content, side=320, name="a")
        assert max(preview_HWC.shape[:2]) == min(320, max(size)) and abs(int(preview_HWC.mean()) - 90) <= 2


def test_a_preview_of_a_large_jpeg_is_nearly_that_of_all_its_pixels(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((3200, 2400), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "a.jpg", quality=95)
    preview_HWC = decode_preview((tmp_path / "a.jpg").read_bytes(), side=320, name="a")
    wanted = np.asarray(picture.resize((320, 240), Image.Resampling.LANCZOS)).astype(int)
    assert preview_HWC.shape == (240, 320, 3) and np.abs(preview_HWC - wanted).mean() < 2


def test_a_thumbnail_is_made_once_and_anew_for_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = folder_photographs.decode_preview
    monkeypatch.setattr(
        folder_photographs, "decode_preview", lambda content, **options: calls.append(1) or real(content, **options)
    )
    monkeypatch.setattr(folder_photographs, "MAX_THUMBNAILS", 2)
    for number in range(3):
        save(tmp_path / f"{number}.png")
    photographs = FolderPhotographs(tmp_path)
    assert photographs.thumbnail(0) == photographs.thumbnail(0) and len(calls) == 1
    save(tmp_path / "0.png", size=(24, 33))
    photographs.thumbnail(0)
    assert len(calls) == 2
    photographs.thumbnail(1), photographs.thumbnail(2), photographs.thumbnail(0)
    assert len(calls) == 5, "the one that was asked for longest ago is gone"


def test_errors_name_a_photograph_but_no_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(save(tmp_path / "a.png").read_bytes()[:40])
    (tmp_path / "text.jpg").write_text("text")
    os.mkfifo(tmp_path / "pipe.jpg")
    with open(tmp_path / "vast.tif", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    photographs = FolderPhotographs(tmp_path)
    numbers = {name: number for number, name in photographs.names(0, 9)}
    rules = {
        "broken.png": "must .*, but got .* in broken.png;",
        "text.jpg": "but got text in text.jpg;",
        "pipe.jpg": "must still be there and readable, but got something else in its place in pipe.jpg;",
        "vast.tif": "must have at most 536,870,912 bytes, but got 536,870,913 in vast.tif;",
    }
    for name, rule in rules.items():
        for ask in (photographs.image, photographs.thumbnail):
            with pytest.raises(BadInput, match=rule) as raised:
                ask(numbers[name])
            assert str(tmp_path) not in str(raised.value)


def test_a_link_that_came_later_is_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    path, secret = save(folder / "a.png"), save(tmp_path / "secret.png")
    photographs = FolderPhotographs(folder)
    path.unlink()
    os.symlink(secret, path)
    for ask in (photographs.image, photographs.thumbnail):
        with pytest.raises(NoSuchPhotograph, match="something else in its place in a.png"):
            ask(0)


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.png")
    photographs = FolderPhotographs(tmp_path)

    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(NoSuchPhotograph, match="but got Permission denied in a.png; choose another"):
        photographs.image(0)


def test_names_are_one_line(tmp_path: Path) -> None:
    save(tmp_path / "a\nb.png")
    os.rename(save(tmp_path / "c.png"), os.fsencode(tmp_path) + b"/\xff.png")
    photographs = FolderPhotographs(tmp_path)
    assert sorted(names_of(photographs)) == ["\\udcff.png", "a\\nb.png"]
    assert photographs.image(0)[1].shape == photographs.image(1)[1].shape == (24, 32, 3)


@pytest.mark.parametrize("number", [-1, 1, 10**9])
def test_numbers_that_were_never_given(number: int, tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    photographs = FolderPhotographs(tmp_path)
    for ask in (photographs.image, photographs.thumbnail):
        with pytest.raises(NoSuchPhotograph, match=f"by its number, but got {number}; ask for the list again"):
            ask(number)


def test_bad_places_in_the_list(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="start and count must be 0 or more, but got -1 and 5"):
        FolderPhotographs(tmp_path).names(-1, 5)


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="photographs must lie in a folder, but got none at"):
        FolderPhotographs(save(tmp_path / "a.png"))


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / f"{number}.png", value=10 * number)
    photographs, found = FolderPhotographs(tmp_path), []

    def ask(number: int) -> None:
        photographs.thumbnail(number % 6)
        found.append((number % 6, int(photographs.image(number % 6)[1].mean()), photographs.total))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((number % 6, 10 * (number % 6), 6) for number in range(24))


def test_a_thumbnail_keeps_to_the_cap(tmp_path: Path) -> None:
    save(tmp_path / "large.png", size=(30, 40))
    assert FolderPhotographs(tmp_path, max_pixels=1200).thumbnail(0)
    with pytest.raises(BadInput, match="at most 1,199 pixels, but got 40x30"):
        FolderPhotographs(tmp_path, max_pixels=1199).thumbnail(0)


def test_a_photograph_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "large.png", size=(30, 40))
    assert FolderPhotographs(tmp_path, max_pixels=1200).image(0)[1].shape == (30, 40, 3)
    with pytest.raises(BadInput, match=r"at most 1,199 pixels, but got .*large\.png"):
        FolderPhotographs(tmp_path, max_pixels=1199).image(0)
