"""Write the two lock files from two `pip freeze --all` of a clean environment (`make lock`)."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# torch asks for these on Linux alone; elsewhere they have no files to install.
LINUX_ONLY = re.compile(r"^(nvidia-|cuda-|triton==)")
NOT_LOCKED = ("mereo", "pip")

CORE_HEADER = """\
# Exact versions of all that Mereo needs to run; written by `make lock` on Linux with Python 3.11. Names no host.
"""
DEV_HEADER = """\
# Exact versions of what the tests and checks need beyond requirements.lock; written by `make lock`.
"""


def pinned(frozen: str) -> dict[str, str]:
    """Name -> line. Mereo itself (frozen as a path) and pip are left out."""
    lines = [line.strip() for line in frozen.splitlines() if "==" in line and not line.startswith(("#", "-e"))]
    named = {line.split("==")[0].lower().replace("_", "-"): line for line in lines}
    return {name: _with_marker(line) for name, line in sorted(named.items()) if name not in NOT_LOCKED}


def _with_marker(line: str) -> str:
    return f'{line} ; sys_platform == "linux"' if LINUX_ONLY.match(line) else line


def main(core_path: str, dev_path: str) -> None:
    core, everything = (pinned(Path(path).read_text(encoding="utf-8")) for path in (core_path, dev_path))
    moved = [line for name, line in core.items() if everything.get(name) != line]
    if moved:
        sys.exit(f"installing the test extras changed what runs: {moved}; loosen or pin it in pyproject.toml.")
    beyond = {name: line for name, line in everything.items() if name not in core}
    (ROOT / "requirements.lock").write_text(CORE_HEADER + "\n".join(core.values()) + "\n", encoding="utf-8")
    (ROOT / "requirements-dev.lock").write_text(DEV_HEADER + "\n".join(beyond.values()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
