"""The house stays in order: imports point one way, files stay small, nothing heavy is imported early."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("datasets", "methods", "benchmarks", "reports")
MAY_IMPORT = {
    "datasets": set(),
    "methods": {"datasets"},
    "benchmarks": {"datasets", "methods"},
    "reports": set(),
}
HEAVY = ("numpy", "scipy", "sklearn", "pandas", "torch", "matplotlib", "xgboost", "pgmpy", "optuna")
LONGEST = 400

FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(tree):
    """Every module that a file imports by its full name; relative imports stay in the room, see escaping_imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(path):
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(params=FILES, ids=named)
def source(request):
    path = request.param
    return path, ast.parse(path.read_text(encoding="utf-8"))


def allowed(path):
    """The rooms that a file may import besides its own; only the command line knows the reports."""
    room = path.relative_to(ROOT).parts[0]
    may = MAY_IMPORT[room] | {room}
    if named(path) == "benchmarks/cli.py" or named(path).startswith("benchmarks/commands/"):
        may |= {"reports"}
    return may


def wrong_imports(path, tree):
    modules = {name.split(".")[1] for name in imported(tree) if name.startswith("fusebench.")}
    return (modules & set(ROOMS)) - allowed(path)


def plain_imports(tree):
    return {name for name in imported(tree) if name.split(".")[0] in ROOMS}


def escaping_imports(path, tree):
    """Relative imports whose dots lead out of the room."""
    depth = len(path.relative_to(ROOT).parts) - 1
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > depth]


def prints(tree):
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_imports_point_one_way(source):
    assert not wrong_imports(*source)


def test_rooms_are_never_imported_by_their_folder_names(source):
    path, tree = source
    assert not plain_imports(tree)
    assert not escaping_imports(path, tree)


def test_library_code_prints_nothing(source):
    assert not prints(source[1])


def test_files_stay_readable(source):
    assert len(source[0].read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_modules_say_what_they_are_for(source):
    assert ast.get_docstring(source[1])


@pytest.mark.parametrize(
    ("file", "code", "rule"),
    [
        ("methods/x.py", "from fusebench.benchmarks.job import Job", wrong_imports),
        ("methods/x.py", "def f():\n    import fusebench.reports.metrics.registry", wrong_imports),
        ("reports/x.py", "from fusebench.datasets import Task", wrong_imports),
        ("datasets/x.py", "from fusebench.methods import Method", wrong_imports),
        ("datasets/x.py", "from fusebench import methods", wrong_imports),
        ("benchmarks/runner.py", "from fusebench.reports import results", wrong_imports),
        ("methods/x.py", "import datasets.samples", lambda path, tree: plain_imports(tree)),
        ("methods/x.py", "from methods import base", lambda path, tree: plain_imports(tree)),
        ("methods/x.py", "from ..datasets import samples", escaping_imports),
        ("methods/x.py", "print(1)", lambda path, tree: prints(tree)),
    ],
)
def test_these_rules_catch_what_they_forbid(file, code, rule):
    assert rule(ROOT / file, ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "from fusebench.methods.registry import method_registry; method_registry().names()",
        "from fusebench.datasets.registry import task_registry; task_registry().names()",
        "import fusebench.datasets, fusebench.methods, fusebench.benchmarks, fusebench.reports",
        "import fusebench.benchmarks.cli",
    ],
)
def test_nothing_heavy_is_imported_to_list(code):
    code += f"; import sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_typed(room):
    assert (ROOT / room / "py.typed").is_file()


def tracked():
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in os.fsdecode(run.stdout).split("\0") if name]


def test_no_path_of_a_developers_machine_is_committed():
    machine = ("/" + "work/", "/" + "home/", "/" + "root/", "/" + "Users/", "C:" + "\\Users")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [f"{named(path)}: {place}" for place in machine if place in text]
    assert not found
