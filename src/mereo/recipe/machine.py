"""What a number was measured on, in words: processor, cores, library versions, the commit of the source."""

import os
import platform
import subprocess
from pathlib import Path

import torch


def machine_in_words(device: torch.device | None = None) -> str:
    if device is not None and device.type == "cuda":
        where = torch.cuda.get_device_name(device)
    else:
        where = f"{processor_name()}, {os.cpu_count()} cores"
    return f"{where}, torch {torch.__version__.split('+')[0]}"


def processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # Not Linux.
    return platform.processor() or platform.machine()


def commit_of_source() -> str:
    """The short commit of a source checkout ("+" behind it: with changes), or "" for an installed package."""
    folder = Path(__file__).resolve().parent
    try:
        commit = _git(folder, "rev-parse", "--short=10", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return answer.stdout.strip()
