"""`mereo models` says what a parser file is; `mereo doctor` finds what is broken and dies of nothing."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mereo.commands import doctor as doctors
from mereo.commands.main import run
from mereo.data.taxonomy_file import load_taxonomy
from mereo.parser import weights
from mereo.parser.config import ParserConfig
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers, save_parser


@pytest.fixture(scope="session")
def parser_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ParserConfig.model_validate(
        {"backbone": {"name": "mobilenetv3_small_050"}, "path": [{"stage": "projection", "width": 8}]}
    )
    card = ModelCard(
        title="Streets", terms="for any use", data="drawn scenes", measured={"mIoU": 51.234}, measured_on="camvid/val"
    )
    path = tmp_path_factory.mktemp("parsers") / f"{DEFAULT_PARSER}.safetensors"
    return save_parser(config.build(load_taxonomy("camvid")), path, card=card)


@pytest.fixture
def built_in_file(parser_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose one built-in parser, the default, is a small one of this test."""
    copy = tmp_path / "built_in" / parser_file.name
    copy.parent.mkdir()
    copy.write_bytes(parser_file.read_bytes())
    monkeypatch.setattr(weights, "built_in_parsers", lambda: {DEFAULT_PARSER: copy})
    return copy


def states(findings: Iterator[doctors.Finding]) -> list[str]:
    return [finding.state for finding in findings]


def write_checksums(path: Path) -> None:
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    (path.parent / "checksums.txt").write_text(line)


def test_models_describes_a_file(parser_file: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["models", str(parser_file)]) == 0
    out = capsys.readouterr().out
    for words in (
        *("- Streets", "mobilenetv3_small_050 -> projection -> pixel_classes", "objects     11: sky, building, pole"),
        *("trained on  drawn scenes", "mIoU 51.23 on camvid/val", "terms       for any use", "MB, written by Mereo"),
    ):
        assert words in out


def test_models_lists_built_in_ones(built_in_file: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["models"]) == 0
    assert capsys.readouterr().out.startswith(f"{DEFAULT_PARSER} (default) - Streets\n")


def test_models_of_a_package_without_any(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(weights, "built_in_parsers", dict)
    assert run(["models"]) == 0
    assert "No parser is built into this installation" in capsys.readouterr().out


def test_models_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"not a parser")
    assert run(["models", str(tmp_path / "a.safetensors")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_built_in_parser_with_its_checksum(built_in_file: Path) -> None:
    write_checksums(built_in_file)
    assert states(doctors.built_in()) == ["ok"]


def test_damaged_built_in_parser(built_in_file: Path) -> None:
    write_checksums(built_in_file)
    content = bytearray(built_in_file.read_bytes())
    content[-1] ^= 1
    built_in_file.write_bytes(content)
    assert [finding.text for finding in doctors.built_in()] == [
        f"{DEFAULT_PARSER}: the file's hash is not the one in checksums.txt; it is damaged"
    ]


def test_built_in_parser_without_checksum(built_in_file: Path) -> None:
    assert states(doctors.built_in()) == ["broken"]


def test_missing_default_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "built_in_parsers", dict)
    assert states(doctors.built_in()) == ["broken"]


def test_the_packages_own_parsers_have_checksums() -> None:
    parsers = built_in_parsers()
    assert DEFAULT_PARSER in parsers, "the package must carry its default parser"
    assert states(doctors.built_in()) == ["ok"] * len(parsers)


def test_cache_that_cannot_be_written_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "file"))
    assert states(doctors.cache()) == ["note"]
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "folder"))
    assert states(doctors.cache()) == ["ok"]
    assert not list((tmp_path / "folder").iterdir())


def test_a_check_that_fails_is_a_finding() -> None:
    def torchvision_pair() -> Iterator[doctors.Finding]:
        yield doctors.Finding("ok", "before", "")
        raise RuntimeError("operator torchvision::nms does not exist\nmore lines")

    findings = list(doctors._guarded(torchvision_pair))
    assert findings[1] == ("broken", "torchvision pair", "RuntimeError: operator torchvision::nms does not exist")


# What a package is imported as, where that is not what it is installed as.
IMPORTED_AS = {"scikit-learn": "sklearn", "scikit-image": "skimage"}


def test_every_extra_of_users_is_looked_for(repository: Path) -> None:
    """`dev` is for those who work on Mereo."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        (IMPORTED_AS.get(name, name), extra)
        for extra, requirements in project["optional-dependencies"].items()
        if extra != "dev"
        for name in (re.split(r"[^\w.-]", one)[0] for one in requirements)
    }
    known = {
        (package, extra)
        for package, purpose in doctors.OPTIONAL_PACKAGES.items()
        for extra in re.findall(r"\(extra `(\w+)`\)", purpose)
    }
    assert known == wanted and len(known) == len(doctors.OPTIONAL_PACKAGES)


def test_what_is_not_installed_is_told_at_the_end(
    built_in_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write_checksums(built_in_file)
    monkeypatch.setattr(doctors, "OPTIONAL_PACKAGES", {"numpy": "counting", "uvicorm": "the studio (extra `web`)"})
    assert run(["doctor", "--no-parse"]) == 0
    out = capsys.readouterr().out
    assert "note    extra           uvicorm is not installed: the studio (extra `web`)\n" in out
    assert out.endswith("\nNothing is broken. Not installed: uvicorm.\n")


def test_low_disk_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctors, "LOW_DISK_BYTES", 1 << 62)
    assert [finding.state for finding in doctors.memory_and_disk() if finding.what == "disk"] == ["note"]


def test_doctor_parses_and_ends_well(
    built_in_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write_checksums(built_in_file)
    monkeypatch.setattr(doctors, "OPTIONAL_PACKAGES", {"numpy": "always there"})
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "trial parse" in out and out.endswith("All is well.\n")


def test_doctor_ends_with_3_when_something_is_broken(built_in_file: Path, capsys: pytest.CaptureFixture) -> None:
    built_in_file.write_bytes(b"")
    assert run(["doctor", "--no-parse"]) == 3
    out = capsys.readouterr().out
    assert out.endswith("1 broken: built in\n")
