"""Nobody who installs Mereo takes on the GPL or AGPL: the licences of every package that comes along are read."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement

# "GPL" and "AGPL" as a word of its own, not as the end of "LGPL" (fine as an import).
COPYLEFT = re.compile(r"(?<![A-Za-z])A?GPL|GNU (?:Affero )?General Public Licen[cs]e", flags=re.IGNORECASE)
# NVIDIA's libraries come with torch on Linux, for computation on their devices; terms of their own, no copyleft.
PROPRIETARY = re.compile(r"^(nvidia-|cuda-)")
# What a package says of itself in words that name no licence: looked up by hand, with the reason.
LOOKED_UP: dict[str, str] = {"faster-coco-eval": "Apache-2.0: the LICENSE file in its wheel"}


def resolved(name: str, extras: frozenset[str] = frozenset()) -> Iterator[Distribution]:
    """`name` and everything that it pulls in here, each once."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, extras)]
    while waiting:
        one, wanted = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", one).lower(), wanted)
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(one)
        except PackageNotFoundError:
            continue  # An extra that is not installed here brings nothing.
        yield found
        for line in found.requires or ():
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in wanted] or [{"extra": ""}]
            if requirement.marker is None or any(requirement.marker.evaluate(one) for one in environments):
                waiting.append((requirement.name, frozenset(requirement.extras)))


def licence_of(found: Distribution) -> str:
    """The SPDX expression, else the classifiers, else the first line of the free text."""
    metadata = found.metadata
    expression = metadata.get("License-Expression")
    classifiers = [line for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    free_text = (metadata.get("License") or "").strip().splitlines()[:1]
    return expression or "; ".join([*classifiers, *free_text])


def is_copyleft(licence: str) -> bool:
    """Of `A OR B` one may be chosen; of `A AND B` both bind."""
    return all(COPYLEFT.search(choice) for choice in re.split(r"\bOR\b", licence)) and bool(licence)


@pytest.mark.parametrize(
    "extras",
    [frozenset(), *(frozenset({extra}) for extra in ("plots", "demo", "superpixels", "index", "web", "export"))],
    ids=str,
)
def test_no_gpl_in_what_users_install(extras: frozenset[str]) -> None:
    packages = {found.metadata["Name"].lower(): licence_of(found) for found in resolved("mereo", extras)}
    assert len(packages) > 20, "mereo must be installed for this test to see its dependencies"
    wrong = {name: licence for name, licence in packages.items() if is_copyleft(licence)}
    assert not wrong, f"GPL and AGPL are not allowed among dependencies: {wrong}"


def test_every_package_says_its_licence() -> None:
    silent = sorted(
        found.metadata["Name"]
        for found in resolved("mereo")
        if not licence_of(found)
        and found.metadata["Name"] not in LOOKED_UP
        and not PROPRIETARY.match(found.metadata["Name"])
    )
    assert not silent, f"no licence in the metadata; look it up, and note it in LOOKED_UP: {silent}"


@pytest.mark.parametrize(
    ("licence", "is_wrong"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("LGPL-3.0-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MIT OR GPL-2.0-only", False),
        ("MIT AND GPL-2.0-only", True),
        ("BSD-3-Clause", False),
        ("", False),
    ],
)
def test_what_counts_as_copyleft(licence: str, is_wrong: bool) -> None:
    assert is_copyleft(licence) is is_wrong
