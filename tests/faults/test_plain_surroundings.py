"""A home that cannot be written, no terminal, the C locale, and paths with spaces and letters of three scripts: train,
resume and parse as on any day. One fresh interpreter does all of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import small_recipe, write_recipe

SCRIPT = """
import sys
from mereo.commands.main import run
recipe, out, photo, pages = sys.argv[1:]
codes = [run(["train", recipe, "--out", out]), run(["train", out, "--resume"])]
codes += [run(["parse", photo, "--parser", out, "--out", pages]), run(["evaluate", out]), run(["show", out])]
sys.exit(0 if codes == [0, 0, 0, 0, 0] else f"exit codes: {codes}")
"""


@pytest.mark.slow
def test_a_read_only_home_the_c_locale_and_names_of_all_kinds(tmp_path: Path) -> None:
    home = Path("/proc") if Path("/proc").is_dir() else tmp_path / "home"  # /proc refuses even an administrator.
    if home != Path("/proc"):
        home.mkdir(mode=0o500)
    folder = tmp_path / "ein Ordner – 图像 и другое"
    folder.mkdir()
    recipe = write_recipe(folder, small_recipe(steps=2))
    renamed = recipe.rename(folder / "das Rezept é.yaml")
    photo = folder / "Straße 'n \" 图.png"
    photo.write_bytes((folder / "data" / "val" / "images" / "0.png").read_bytes())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON", "XDG_"))}
    environment |= {"HOME": str(home), "LANG": "C", "LC_ALL": "C"}
    environment.pop("MEREO_CACHE", None)
    environment.pop("TERM", None)
    out, pages = folder / "der Lauf", folder / "die Seiten"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(renamed), str(out), str(photo), str(pages)],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    errors = done.stderr.decode(errors="replace")
    assert done.returncode == 0, errors
    assert "Traceback" not in errors and "Exception ignored" not in errors, errors
    assert b"mIoU" in done.stdout
    report = json.loads((pages / "report.json").read_text(encoding="utf-8"))
    assert [image["image"] for image in report["images"]] == [str(photo)]
    for image in report["images"]:
        assert all((pages / path).is_file() for path in image["files"].values())
    assert (out / "last.safetensors").is_file() and (pages / "index.html").is_file()
