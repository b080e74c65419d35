"""The functions of the package that write, found in its source, against those that the fault tests run."""

import ast
from pathlib import Path

import pytest
from nth_operation import SOURCE, Operations, counted
from writers import WRITERS

ATOMIC = {"atomic_path", "write_bytes", "write_text", "write_json"}
# Calls by their last name that change a file system whatever they are called on.
CHANGING = set(
    "mkdir makedirs unlink rmdir rmtree remove removedirs rename renames touch symlink_to hardlink_to fsync "
    "ftruncate truncate save_file serialize_file copyfile copytree copy2 move SummaryWriter NamedTemporaryFile "
    "TemporaryDirectory SpooledTemporaryFile mkstemp mkdtemp tofile".split()
)
# Functions that write and that no case needs to run, each with its reason.
EXEMPT = {
    ("evaluation/per_image_counts.py", "PerImageCounts.__init__"): "a nameless temporary file; tested there",
    ("commands/doctor.py", "cache"): "writes and removes a probe, and says if that fails",
    ("training/progress.py", "StepProgress.__init__"): "the null device",
    ("parser/network_limit.py", "no_larger_than"): "writes no file: it bounds what a configuration may build",
    ("recipe/run_training.py", "trained_in_folder"): "whole runs are killed at every operation in test_kills.py",
}


class Writers(ast.NodeVisitor):
    """Qualified names, as `co_qualname` has them, of the functions that call a writer themselves."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.found: set[str] = set()

    def visit_scope(self, node: ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) -> None:
        is_function = not isinstance(node, ast.ClassDef)
        self.stack += [node.name, "<locals>"] if is_function else [node.name]
        self.generic_visit(node)
        del self.stack[-2 if is_function else -1 :]

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_scope

    def visit_Call(self, node: ast.Call) -> None:
        if is_writing(node):
            name = ".".join(self.stack).removesuffix(".<locals>")
            self.found.add(name)
        self.generic_visit(node)


def is_writing(node: ast.Call) -> bool:
    function = node.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else None
    if name == "open":
        # os.open's flags are numbers, builtins.open's and Path.open's mode is text.
        mode = node.args[1] if len(node.args) > 1 and owner is None else node.args[0] if node.args and owner else None
        mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), mode)
        if owner == "os":
            return any("O_CREAT" in ast.unparse(one) or "O_RDWR" in ast.unparse(one) for one in node.args)
        return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(set(mode.value) & set("wax+"))
    if name == "replace":
        return owner == "os"
    if name == "write":
        return owner == "os"
    return name in ATOMIC or name in CHANGING


def writing_functions() -> set[tuple[str, str]]:
    found = set()
    for path in sorted(Path(SOURCE).rglob("*.py")):
        visitor = Writers()
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        found |= {(path.relative_to(SOURCE).as_posix(), name) for name in visitor.found}
    return found


def test_every_function_that_writes_is_run_under_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[str, str]] = set()
    for number, writer in enumerate(WRITERS):
        folder = tmp_path / str(number)
        monkeypatch.setenv("MEREO_CACHE", str(folder / "cache"))
        folder.mkdir()
        writer.prepare(folder)
        with counted(Operations(folder)) as operations:
            writer.write(folder)
        seen |= operations.writers
    writing = writing_functions()
    forgotten = writing - seen - set(EXEMPT)
    assert not forgotten, f"give each a case in tests/faults/writers.py, or a reason here: {sorted(forgotten)}"
    gone = set(EXEMPT) - writing
    assert not gone, f"these write no more; take them from the list: {sorted(gone)}"


def test_the_search_finds_writers() -> None:
    source = """
def a(path): path.mkdir()
def b(path): open(path, "w")
def c(path): path.open("ab")
def d(path): return open(path), path.open(), path.open("rb"), text.replace("a", "b"), open(path, "rb")
class E:
    def f(self):
        def g(): os.replace(1, 2)
        return [write_json(p, {}) for p in self.paths]
"""
    visitor = Writers()
    visitor.visit(ast.parse(source))
    assert visitor.found == {"a", "b", "c", "E.f.<locals>.g", "E.f"}
