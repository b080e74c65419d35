"""`mereo doctor`: is this installation whole? Every finding in one line; exit code 3 if something is broken."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from mereo.errors import ExitCode

OPTIONAL_PACKAGES = {
    "fastapi": "the studio and the service (extra `web`)",
    "uvicorn": "the studio and the service (extra `web`)",
    "matplotlib": "curves of runs (extra `plots`)",
    "lancedb": "an index of segments (extra `index`)",
    "pyarrow": "an index of segments (extra `index`)",
    "openTSNE": "maps of an index's segments (extra `index`)",
    "onnx": "exporting a parser (extra `export`)",
    "onnxscript": "exporting a parser (extra `export`)",
    "onnxruntime": "exporting a parser (extra `export`)",
    "skimage": "superpixels by slic or felzenszwalb (extra `superpixels`)",
    "sklearn": "the photograph of `make demo` (extra `demo`)",
}
LOW_DISK_BYTES = 2 * 1024**3
LOW_MEMORY_BYTES = 2 * 1024**3


class Finding(NamedTuple):
    state: str  # "ok", "note" (works, but worth knowing) or "broken"
    what: str
    text: str


def doctor(
    no_parse: Annotated[bool, typer.Option("--no-parse", help="Leave out the trial parse of a drawn scene.")] = False,
) -> None:
    """Check this installation: packages, devices, disk, built-in parsers, a trial parse."""
    checks: list[Callable[[], Iterator[Finding]]] = [system, packages, devices, memory_and_disk, cache, built_in]
    checks += [extras] if no_parse else [extras, trial_parse]
    findings = []
    for check in checks:
        for finding in _guarded(check):
            findings.append(finding)
            typer.echo(f"{finding.state:<7} {finding.what:<15} {finding.text}")
    broken = [finding for finding in findings if finding.state == "broken"]
    if broken:
        typer.echo(f"\n{len(broken)} broken: {', '.join(one.what for one in broken)}")
        raise typer.Exit(ExitCode.BAD_ENVIRONMENT)
    missing = missing_extras()
    typer.echo(f"\nNothing is broken. Not installed: {', '.join(missing)}." if missing else "\nAll is well.")


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that itself fails is a finding: a doctor may not die of what it looks for."""
    try:
        yield from check()
    except Exception as error:
        yield Finding("broken", check.__name__.replace("_", " "), f"{type(error).__name__}: {error}".splitlines()[0])


def system() -> Iterator[Finding]:
    import platform

    from mereo.version import VERSION

    yield Finding("ok", "mereo", f"{VERSION} in {Path(__file__).parents[1]}")
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")


def packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    names, missing = {}, []
    for name in ("torch", "torchvision", "timm", "lightning-fabric", "safetensors", "numpy", "pillow", "scipy"):
        try:
            names[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("ok", "packages", ", ".join(f"{name} {number}" for name, number in names.items()))
    if missing:
        yield Finding("broken", "packages", f"missing: {', '.join(missing)}; install Mereo again")
    # A torchvision built for another torch imports, or not, but its operators are gone: the commonest broken pair.
    import torch
    from torchvision.ops import nms

    nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    yield Finding("ok", "torchvision", "its operators load: it fits this torch")


def devices() -> Iterator[Finding]:
    import os

    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("ok", "cpu", f"{cores} cores usable, torch uses {torch.get_num_threads()} threads")
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        torch.ones(1, device=f"cuda:{index}").add_(1).item()
        yield Finding(
            "ok", f"cuda:{index}", f"{properties.name}, {properties.total_memory / 1024**3:.1f} GiB, computes"
        )
    if torch.backends.mps.is_available():
        yield Finding("ok", "mps", "available; auto does not choose it, --device mps does")
    elif not torch.cuda.is_available():
        yield Finding("note", "gpu", "none that torch can use; everything runs on the CPU")


def memory_and_disk() -> Iterator[Finding]:
    import os
    import shutil

    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names and "SC_AVPHYS_PAGES" in os.sysconf_names:
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
        state = "note" if total < LOW_MEMORY_BYTES else "ok"
        yield Finding(state, "memory", f"{total / 1024**3:.1f} GiB, {free / 1024**3:.1f} GiB of it unused")
    free = shutil.disk_usage(Path.cwd()).free
    state = "note" if free < LOW_DISK_BYTES else "ok"
    yield Finding(state, "disk", f"{free / 1024**3:.1f} GiB free in the current folder")


def cache() -> Iterator[Finding]:
    import uuid

    from mereo.atomic_files import write_text
    from mereo.cache_folder import cache_folder
    from mereo.errors import BadEnvironment

    probe = cache_folder() / f"doctor-{uuid.uuid4().hex}.txt"
    try:
        write_text(probe, "Mereo's doctor was here.\n")
        probe.unlink()
        yield Finding("ok", "cache", f"{cache_folder()} is writable")
    except (BadEnvironment, OSError):
        # Not broken: what is cached is only counted again. Said, because it costs a minute a run.
        yield Finding("note", "cache", f"{cache_folder()} is not writable; set MEREO_CACHE to a folder that is")


def built_in() -> Iterator[Finding]:
    import hashlib

    from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers, read_metadata

    parsers = built_in_parsers()
    if DEFAULT_PARSER not in parsers:
        yield Finding("broken", "parsers", f"the default parser {DEFAULT_PARSER!r} is not there; install Mereo again")
    sums = {name: checksum for path in parsers.values() for name, checksum in checksums(path.parent).items()}
    for name, path in parsers.items():
        read_metadata(path)
        if path.name not in sums:
            yield Finding("broken", "parsers", f"{name}: no line in checksums.txt; install Mereo again")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sums[path.name]:
            yield Finding(
                "broken", "parsers", f"{name}: the file's hash is not the one in checksums.txt; it is damaged"
            )
        else:
            yield Finding("ok", "parsers", f"{name}: {path.stat().st_size / 1e6:.1f} MB, hash as in checksums.txt")


def checksums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, from the lines that `sha256sum *.safetensors > checksums.txt` writes."""
    listed = folder / "checksums.txt"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    return {name: checksum for checksum, name in (line.split(maxsplit=1) for line in lines if line.strip())}


def extras() -> Iterator[Finding]:
    missing = missing_extras()
    for package, purpose in OPTIONAL_PACKAGES.items():
        if package in missing:
            yield Finding("note", "extra", f"{package} is not installed: {purpose}")
        else:
            yield Finding("ok", "extra", f"{package} is there: {purpose}")


def missing_extras() -> list[str]:
    from importlib.util import find_spec

    return [package for package in OPTIONAL_PACKAGES if find_spec(package) is None]


def trial_parse() -> Iterator[Finding]:
    import time

    import numpy as np

    from mereo.data.drawn_scenes import DrawnScenes
    from mereo.parser.weights import DEFAULT_PARSER, load

    sample = DrawnScenes(1, size=(240, 320))[0]
    parser = load(DEFAULT_PARSER)
    start = time.perf_counter()
    answer = parser.parse(np.ascontiguousarray(sample.image_CHW.permute(1, 2, 0).numpy()))
    seconds = time.perf_counter() - start
    names = [parser.taxonomy.object_names[index] for index in np.unique(answer.semantic)]
    yield Finding("ok", "trial parse", f"a drawn scene of 320x240 in {seconds:.2f} s: {', '.join(names)}")
