"""The packages of an export, looked for before any work, and imported nowhere else."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mereo.errors import BadEnvironment

# torch itself asks for onnxscript while it exports.
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def require_onnx_libraries() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise BadEnvironment(
            f"the packages of an export must be installed, but got no {' and no '.join(missing)}; "
            "pip install 'mereo[export]'."
        )


def onnx_library() -> Any:
    require_onnx_libraries()
    return import_module("onnx")


def onnxruntime_library() -> Any:
    require_onnx_libraries()
    return import_module("onnxruntime")
