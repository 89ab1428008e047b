"""Registry: tasks by name, a broken file is listed with its reason, clashes and misspellings are told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusebench.datasets import DataError, TaskCard, UnknownNameError, load_task, task_registry
from fusebench.datasets.card import Published
from fusebench.datasets.plugins import Registry

PLUGIN = """
import numpy as np
from fusebench.datasets import Samples, Task, TaskCard
card = TaskCard(name="{name}", title="Mine")
def load(n=40):
    rng = np.random.default_rng(0)
    return Task(Samples.from_arrays({{"m": rng.normal(size=(n, 2))}}), np.arange(n) % 2, ("a", "b"), card)
"""


def registry() -> Registry[TaskCard]:
    """A registry of its own, so that what a test adds stays in the test."""
    return Registry("task", TaskCard, "fusebench.datasets", "fusebench.datasets.none", nested=(Published,))


def plugin(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_the_embedded_tasks_are_found_and_none_is_broken() -> None:
    assert {"add", "breast-cancer", "digits", "xor"} <= set(task_registry().names())
    assert not task_registry().broken()


@pytest.mark.parametrize("name", ["add", "breast-cancer", "digits", "xor"])
def test_the_card_that_is_read_is_the_card_that_is_run(name: str) -> None:
    found = task_registry().get(name)
    assert found.card == found.load().card
    assert found.card is not None
    assert found.card.name == name
    assert found.card.licence


def test_listing_imports_no_task_and_nothing_heavy() -> None:
    code = (
        "import sys; from fusebench.datasets import task_registry; assert task_registry().names();"
        "heavy = {'numpy', 'sklearn', 'pandas', 'torch', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="no task is called 'digit'; did you mean 'digits'"):
        load_task("digit")
    with pytest.raises(UnknownNameError, match=r"known: .*add, .*breast-cancer"):
        task_registry().get("qqqqqqq")


@pytest.fixture
def forget() -> Iterator[None]:
    """Let the process-wide registry forget what the test adds."""
    yield
    task_registry.cache_clear()


@pytest.mark.usefixtures("forget")
def test_a_task_from_a_file(tmp_path: Path) -> None:
    path = plugin(tmp_path, PLUGIN.format(name="mine-alone"), "plugin_mine_alone")
    task = load_task(str(path), n=60)
    assert (task.name, len(task)) == ("mine-alone", 60)
    assert len(load_task("mine-alone")) == 40


def test_a_clash_is_told_with_both_places(tmp_path: Path) -> None:
    path = plugin(tmp_path, PLUGIN.format(name="digits"))
    with pytest.raises(DataError, match=r"two tasks are called 'digits': .*digits\.py and .*mine\.py"):
        registry().add_file(path)


def test_adding_a_file_twice_is_no_clash(tmp_path: Path) -> None:
    own, path = registry(), plugin(tmp_path, PLUGIN.format(name="mine"))
    own.add_file(path)
    assert [found.name for found in own.add_file(path)] == ["mine"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def load(:\n", "cannot be read"),
        ("x = 1\n", "holds no `card = TaskCard(...)`"),
        ("card = TaskCard(name=compute(), title='T')\n", "compute cannot be used in a card"),
        ("card = TaskCard(nom='x', title='T')\n", "line 1: the card cannot be read"),
    ],
)
def test_a_broken_file_is_listed_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    own = registry()
    (found,) = own.add_file(plugin(tmp_path, text, "broken_one"))
    assert reason in found.broken
    assert reason in own.broken()["broken_one"].broken
    assert "broken_one" not in own.names()
    with pytest.raises(DataError, match="broken_one"):
        own.get("broken_one")


def test_a_file_that_is_not_there_or_not_python(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        registry().add_file(tmp_path / "no.py")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(DataError, match="Python file"):
        registry().add_file(tmp_path / "x.txt")


def test_a_plugin_that_needs_what_is_not_installed_is_listed_and_fails_when_loaded(tmp_path: Path) -> None:
    own = registry()
    own.add_file(plugin(tmp_path, "import no_such_package_anywhere\n" + PLUGIN.format(name="needy"), "needy_file"))
    assert "needy" in own.names()
    with pytest.raises(ImportError, match="no_such_package_anywhere"):
        own.get("needy").load()


def test_an_option_that_does_not_exist_is_told() -> None:
    with pytest.raises(DataError, match=r"task 'digits'.*'rows'.*fusebench show task digits"):
        load_task("digits", rows=3)
