"""What is promised about installing holds: extras, constraints, and what the wheel carries."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = ("datasets", "methods", "benchmarks", "reports")
UNTESTED_LOWEST = {"torch"}
"""Only one version of torch is light enough for the tests."""


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file):
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    return {canonical(name): version.strip() for name, version in pairs}


def numbers(version):
    return tuple(map(int, re.findall(r"\d+", version)))


def requirements(*extras):
    """Direct requirements as (name, sign, version)."""
    listed = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        listed += PROJECT["project"]["optional-dependencies"][extra]
    for requirement in listed:
        if not requirement.startswith("fusebench["):
            name, sign, version = re.fullmatch(r"([\w.-]+)(>=|==)([\w.]+)", requirement).groups()
            yield canonical(name), sign, version


EXTRAS = [extra for extra in PROJECT["project"]["optional-dependencies"] if extra not in ("all", "dev")]


def test_constraints_pin_every_direct_requirement_at_a_version_that_is_allowed():
    pinned = pins("constraints.txt")
    for name, _, version in requirements(*[extra for extra in EXTRAS if extra != "imaging"]):
        assert numbers(pinned[name]) >= numbers(version), name


@pytest.mark.parametrize("file", ["constraints.txt", "constraints-lowest.txt"])
def test_constraints_name_versions_and_nothing_else(file):
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line


def test_lowest_constraints_are_the_lower_bounds():
    pinned = pins("constraints-lowest.txt")
    extras = [extra for extra in EXTRAS if extra not in ("imaging", "cohorts", "oracles", "lint", "types")]
    wanted = {name: version for name, _, version in requirements(*extras)}
    assert pinned.keys() == wanted.keys()
    for name in wanted.keys() - UNTESTED_LOWEST:
        assert pinned[name] == wanted[name], name


def test_no_upper_bounds():
    assert [name for name, sign, _ in requirements(*EXTRAS) if sign != ">="] == []


def test_every_package_of_the_rooms_is_installed():
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts}
    wanted = {f"fusebench.{folder.relative_to(ROOT).as_posix().replace('/', '.')}" for folder in folders}
    assert wanted <= listed
    for package in listed:
        home = PROJECT["tool"]["setuptools"]["package-dir"][package]
        assert (ROOT / home).is_dir()


def test_every_extra_that_a_method_names_exists():
    from fusebench.methods.registry import method_registry

    registry = method_registry()
    cards = [registry.get(name).card for name in registry.names()]
    assert {card.extra for card in cards if card.requires} <= PROJECT["project"]["optional-dependencies"].keys()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the tracked files."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    for path in source_files():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(copy)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_INPUT": "1"})
    assert run.returncode == 0, run.stderr
    return next(folder.glob("*.whl"))


def source_files():
    tops = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    inside = [path for room in ROOMS for path in (ROOT / room).rglob("*") if "__pycache__" not in path.parts]
    return [path for path in tops + inside if path.is_file()]


@pytest.mark.slow
def test_the_wheel_holds_everything_under_one_name(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        archive.extractall(tmp_path)
    for path in source_files():
        if path.parent != ROOT:
            assert f"fusebench/{path.relative_to(ROOT).as_posix()}" in held, path
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"fusebench"}
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
        "import fusebench.datasets, fusebench.benchmarks.cli\n"
        "from fusebench.methods.registry import method_registry\n"
        "from fusebench.benchmarks.suite import suite_names\n"
        "assert method_registry().names() and suite_names(), 'nothing found'\n"
        "print(fusebench.datasets.__file__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path))
