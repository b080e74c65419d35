"""Folders, pipes, devices, links and names that want more than to be a picture."""

import json
import os
import re
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from good_images import GOOD_IMAGES
from ran_command import Mereo, Ran

from mereo.commands.input_images import find_images
from mereo.data.pictures.image_reading import read_image
from mereo.errors import BadInput

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and names of POSIX")
IS_SUPERUSER = os.name == "posix" and os.geteuid() == 0
PICTURE = GOOD_IMAGES["png"](np.random.default_rng(0)).content


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PICTURE)
    return path


def parsed(mereo: Mereo, tiny_file: Path, out: Path, *paths: object) -> Ran:
    return mereo("parse", "--parser", tiny_file, "--out", out, "--device", "cpu", "--", *paths)


def report_of(out: Path) -> tuple[list[str], dict[str, str]]:
    """Names of the parsed images, and name -> reason of the skipped ones."""
    report = json.loads((out / "report.json").read_text())
    names = [Path(one["image"]).name for one in report["images"]]
    return names, {Path(one["image"]).name: one["reason"] for one in report["skipped"]}


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        # Names of sockets must be short, whatever the folder of the tests is called.
        before = os.getcwd()
        os.chdir(path.parent)
        try:
            one.bind(path.name)
        finally:
            os.chdir(before)


NO_PICTURES = {
    "folder.jpg": (lambda path: path.mkdir(), "must be a regular file, but got a folder"),
    "pipe.jpg": (os.mkfifo, "must be a regular file, but got a device, pipe or socket"),
    "socket.jpg": (make_socket, "must be a regular file, but got a device, pipe or socket"),
    "zeros.jpg": (lambda path: path.symlink_to("/dev/zero"), "must be a regular file, but got a device"),
    "null.jpg": (lambda path: path.symlink_to("/dev/null"), "must be a regular file, but got a device"),
    "to folder.jpg": (lambda path: path.symlink_to(path.parent), "must be a regular file, but got a folder"),
    "dangling.jpg": (lambda path: path.symlink_to("nowhere.jpg"), "must be a readable file, but got No such file"),
    "circle.jpg": (lambda path: path.symlink_to(path.name), "must be a readable file, but got Too many levels"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_file_is_refused_without_being_read(name: str, tmp_path: Path) -> None:
    make, match = NO_PICTURES[name]
    make(tmp_path / name)
    with pytest.raises(BadInput, match=f"an image {match}.* in .*{name}"):
        read_image(tmp_path / name)


def test_they_lie_in_a_folder_with_pictures(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    put(folder / "a.jpg")
    put(folder / "z.jpg")
    for name, (make, _) in NO_PICTURES.items():
        make(folder / name)
    put(folder / "folder.jpg" / "inside.jpg")
    ran = parsed(mereo, tiny_file, out, folder)
    names, skipped = report_of(out)
    assert ran.code == 4 and names == ["a.jpg", "inside.jpg", "z.jpg"] or names == ["a.jpg", "z.jpg", "inside.jpg"]
    assert set(skipped) == set(NO_PICTURES) - {"folder.jpg"}
    assert len(ran.err.splitlines()) == len(skipped)
    assert skipped["zeros.jpg"].startswith("a link out of its folder is not followed; name the picture itself")
    assert skipped["to folder.jpg"].startswith("a link to a folder is not followed; name that folder itself")
    assert re.search("Too many levels", skipped["circle.jpg"]) and re.search("No such file", skipped["dangling.jpg"])


def test_a_link_out_of_the_folder_is_read_only_if_it_is_named(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere" / "secret.png")
    put(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "out.png").symlink_to(secret)
    (tmp_path / "in" / "up.png").symlink_to("../elsewhere/secret.png")
    (tmp_path / "in" / "beside.png").symlink_to("a.png")
    (tmp_path / "in" / "folder").symlink_to(secret.parent)
    ran = parsed(mereo, tiny_file, tmp_path / "out", tmp_path / "in")
    names, skipped = report_of(tmp_path / "out")
    assert ran.code == 4 and names == ["a.png", "beside.png"] and set(skipped) == {"out.png", "up.png", "folder"}
    ran = parsed(mereo, tiny_file, tmp_path / "named", tmp_path / "in" / "out.png", tmp_path / "in" / "folder")
    assert ran.code == 0 and report_of(tmp_path / "named")[0] == ["out.png", "secret.png"]
    # A root that is a link itself is meant.
    (tmp_path / "to in").symlink_to("in")
    assert report_of(tmp_path / "out")[0] == ["a.png", "beside.png"]
    only = tmp_path / "only links"
    only.mkdir()
    (only / "out.png").symlink_to(secret)
    ran = parsed(mereo, tiny_file, tmp_path / "none", only)
    assert "a link out of its folder is not followed" in ran.error and ran.code == 2


def test_patterns_end_where_links_go_round_in_circles(tmp_path: Path) -> None:
    put(tmp_path / "in" / "deep" / "a.png")
    put(tmp_path / "in" / ".hidden" / "b.png")
    for name in ("one", "two", "three"):
        (tmp_path / "in" / "deep" / name).symlink_to(tmp_path / "in")
    pattern = str(tmp_path / "in" / "**" / "*.png")
    found = find_images([pattern], without=tmp_path / "out")
    assert [path.name for path in found.paths] == ["a.png"] and found.missing == ()
    found = find_images([str(tmp_path / "in" / ".h*" / "*")], without=tmp_path / "out")
    assert [path.name for path in found.paths] == ["b.png"]
    for bad in ("a**b", "[", "x" * 5000 + "*", "\0*"):
        assert not find_images([str(tmp_path / bad)], without=tmp_path / "out").paths


@pytest.mark.skipif(IS_SUPERUSER, reason="a superuser may read everything")
def test_what_may_not_be_read_is_told(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "locked.png").chmod(0)
    put(tmp_path / "in" / "closed" / "b.png").parent.chmod(0)
    try:
        ran = parsed(mereo, tiny_file, tmp_path / "out", tmp_path / "in")
    finally:
        (tmp_path / "in" / "closed").chmod(0o700)
    names, skipped = report_of(tmp_path / "out")
    assert ran.code == 4 and names == ["a.png"] and set(skipped) == {"locked.png", "closed"}
    assert all("Permission denied" in reason for reason in skipped.values())


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for superusers, to whom every folder is open."""
    put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "closed" / "b.png")
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = find_images([str(tmp_path / "in")], without=tmp_path / "out")
    assert [path.name for path in found.paths] == ["a.png"]
    closed = (str(tmp_path / "in" / "closed"), "a folder must be readable, but got Permission denied")
    assert found.missing == (closed,)


HOSTILE_NAMES = [
    "two\nlines.png",
    "\r\x1b[2Jclear.png",
    "-rf.png",
    "--out=x.png",
    "..png",
    "...png",
    "..\\..\\up.png",
    "a%2f..%2fb.png",
    "<script>alert(1)</script>.png".replace("/", "\u2215"),
    "\"quoted' & <b>.png",
    "[red]markup[",
    "{braces} %s $HOME `id`.png",
    "\u202egnp.exe.png",
    "\u0000".join(["nul"]) + ".png",
    "aux.png",
    " .png",
    "e\u0301 and \u00e9.png",
    "x" * 250 + ".png",
]


def test_hostile_names_are_read_and_stay_inside(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    names = [name if name.endswith(".png") else f"{name}.png" for name in HOSTILE_NAMES]
    for name in names:
        put(folder / name)
    undecodable = os.fsencode(folder) + b"/\xff\xfe.png"
    if sys.platform != "darwin":
        Path(os.fsdecode(undecodable)).write_bytes(PICTURE)
    bad = [f"bad {name}"[:250] + ".png" for name in HOSTILE_NAMES]
    for name in bad:
        (folder / name[-200:]).write_bytes(b"no picture")
    visible = [name for name in names if not name.startswith(".")]
    ran = parsed(mereo, tiny_file, out, folder, *(folder / name for name in names if name.startswith(".")))
    assert ran.code == 4 and len(ran.err.splitlines()) == len(bad)
    assert "\x1b" not in ran.err + ran.out
    report = json.loads((out / "report.json").read_text())
    assert len(report["images"]) == len(names) + (sys.platform != "darwin") and len(visible) < len(names)
    files = [file for one in report["images"] for file in one["files"].values()]
    assert len(set(files)) == len(files)
    for file in files:
        assert (out / file).resolve().is_relative_to(out.resolve()) and (out / file).is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page and "\u202e" not in page


@pytest.mark.parametrize(
    "name",
    ["x" * 10_000 + ".jpg", "a/" * 5000 + "b.jpg", "../" * 50 + "nowhere.jpg", "", "\0.jpg", "a\nb.jpg", "~/x.jpg"],
)
def test_names_of_no_file_end_with_2_and_a_short_line(
    name: str, mereo: Mereo, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = parsed(mereo, tiny_file, tmp_path / "out", name)
    assert ran.code == 2 and "there is no such file or folder" in ran.error
    assert len(ran.error) < 1000


def test_a_leading_dash_without_the_double_dash_is_told(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    ran = mereo("parse", "-x.jpg", "--out", tmp_path / "out", "--parser", tiny_file)
    assert ran.code == 2 and "No such option" in ran.err
