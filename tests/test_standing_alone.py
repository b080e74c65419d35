"""`import mereo` and `mereo --help` stay light: nobody pays for a library that they did not ask for."""

import os
import subprocess
import sys

import pytest

# Web, plotting, index and cluster libraries: extras or tools of one command, never part of the import.
GUESTS = (
    *(
        "matplotlib",
        "fastapi",
        "uvicorn",
        "starlette",
        "gradio",
        "lancedb",
        "pyarrow",
        "openTSNE",
        "ray",
        "tensorboard",
        "pandas",
        "lightning",
    ),
    *("sklearn", "skimage", "torchmetrics", "segmentation_models_pytorch", "onnx", "onnxruntime"),
)
HEAVY = ("torch", "torchvision", "timm", "lightning_fabric", "numpy", "scipy", "PIL", "pydantic", "rich.console")
HELP_SECONDS = 0.3


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; sys.stderr.write(chr(10).join(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.split("\n"))


def test_import_mereo_loads_nothing_heavy() -> None:
    assert not modules_after("import mereo") & {*GUESTS, *HEAVY}


@pytest.mark.slow
def test_the_whole_public_surface_loads_no_guest() -> None:
    # lightning-fabric itself looks at torchmetrics where it is installed, and that loads matplotlib. Users of the core
    # installation do not have it, so it is hidden here.
    hide = "import sys\nsys.modules['torchmetrics'] = None\n"
    loaded = modules_after(hide + "import mereo\nfor name in mereo.__all__: getattr(mereo, name)")
    assert "torch" in loaded
    assert not loaded & (set(GUESTS) - {"torchmetrics"})


def test_help_loads_nothing_heavy() -> None:
    loaded = modules_after("from mereo.commands.main import run\nassert run(['--help']) == 0")
    assert not loaded & {*GUESTS, *HEAVY}


def test_help_is_quick() -> None:
    # Processor time, not the clock's: the machine may be busy, the program may not be slow.
    def seconds() -> float:
        before = os.times()
        command = [sys.executable, "-m", "mereo.commands.main", "--help"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=os.environ)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(5)) <= HELP_SECONDS
