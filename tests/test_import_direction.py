"""Imports point downwards only: the layer table of ARCHITECTURE.md, read from there and kept."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mereo"
# The doors: what stands outside the table. They may see everything, and nothing but the version may be seen.
DOORS = {"__init__", "__main__", "version"}
# What every layer may see, layer 0 included: the two kinds of error, and the version.
EVERYBODYS = {"errors", "version"}
# The only imports that may point upwards, both inside a function: Parse.overlay() and Parse.save() draw.
SANCTIONED = {("assembly", "drawing")}


def layer_table() -> dict[str, int]:
    """'features' -> 1, 'errors' -> 0, ..."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE)
    return {
        name.removesuffix(".py"): int(layer)
        for layer, names in rows
        for name in re.findall(r"`(\w+)(?:/|\.py)`", names)
    }


def upward_imports(source: str, *, importer: str, layers: dict[str, int]) -> list[str]:
    """Every import of Mereo's own modules that does not point downwards, as 'line N: module'."""
    wrong = []
    tree = ast.parse(source)
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            wrong.append(f"line {node.lineno}: relative import")
            continue
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            step = (module.split(".") + ["", ""])[1] if module.split(".")[0] == "mereo" else ""
            if module == "mereo" or step in DOORS - EVERYBODYS:
                wrong.append(f"line {node.lineno}: `mereo` itself; import from the module that owns the name")
            elif step and step not in EVERYBODYS and step != importer:
                is_late = id(node) not in at_top
                if layers[step] >= layers[importer] and not (is_late and (importer, step) in SANCTIONED):
                    wrong.append(f"line {node.lineno}: {module} (layer {layers[step]} from layer {layers[importer]})")
    return wrong


def test_every_folder_and_file_has_a_layer() -> None:
    present = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert present - DOORS <= layer_table().keys(), "name it in the table of ARCHITECTURE.md"


def test_imports_point_downwards() -> None:
    layers = layer_table()
    wrong = [
        f"{path.relative_to(ROOT)} {problem}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in DOORS
        for problem in upward_imports(
            path.read_text(encoding="utf-8"),
            importer=path.relative_to(PACKAGE).parts[0].removesuffix(".py"),
            layers=layers,
        )
    ]
    assert not wrong, "imports must point to a lower layer (ARCHITECTURE.md):\n" + "\n".join(wrong)


def test_the_check_sees_what_it_should() -> None:
    layers = {"errors": 0, "features": 1, "heads": 2, "data": 2, "assembly": 3, "drawing": 4}
    assert not upward_imports("from mereo.features.stage import Stage", importer="heads", layers=layers)
    assert upward_imports("from mereo.data.sample import Sample", importer="heads", layers=layers)
    assert upward_imports("def f():\n    import mereo.heads.x", importer="features", layers=layers)
    assert upward_imports("from . import sample", importer="data", layers=layers)
    assert upward_imports("from mereo import parse", importer="drawing", layers=layers)
    late = "def save():\n    from mereo.drawing.overlay import overlay"
    assert not upward_imports(late, importer="assembly", layers=layers)
    assert upward_imports(late.splitlines()[1].strip(), importer="assembly", layers=layers)
