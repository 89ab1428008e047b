"""Methods and tasks of another installed package join by entry point."""

from __future__ import annotations

import sys

import pytest

from fusebench.benchmarks import read_records, run
from fusebench.datasets import DataError, load_task
from fusebench.datasets.registry import task_registry
from fusebench.methods.registry import method_registry

POINTS = """
[fusebench.methods]
far = faraway_fusion.far:Far
gone = faraway_fusion.gone:Gone
misspelt = faraway_fusion.far:Fra

[fusebench.datasets]
distant = faraway_fusion.distant
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, make_plugin, small_task):
    """A package that is installed beside fusebench and knows its entry points."""
    site = tmp_path / "site"
    package = site / "faraway_fusion"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "far.py").write_text(make_plugin("far", space="{}"))
    task = (tmp_path / "small_task.py").read_text().replace('"small"', '"distant"')
    (package / "distant.py").write_text(task)
    info = site / "faraway_fusion-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faraway-fusion\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))  # as if installed: the processes that run jobs find it too
    yield site
    for name in [m for m in sys.modules if m.startswith("faraway_fusion")]:
        del sys.modules[name]


def test_they_run_beside_the_house(elsewhere, write, tmp_path):
    suite = str(write("s.toml", 'folds = 2\nmethods = ["far", "prior"]\ntasks = ["distant"]'))
    with run(suite, out=tmp_path / "o") as store:
        frame = read_records(store)["outcomes"]
    assert set(frame["method"]) == {"far", "prior"}
    assert set(frame["status"]) == {"ok"}
    assert load_task("distant").name == "distant"
    assert "distant" in task_registry().names()


def test_a_broken_one_is_listed_with_its_reason_and_hides_nobody(elsewhere):
    registry = method_registry()
    assert {"far", "prior", "tan"} <= set(registry.names())
    assert "gone" not in registry.names()
    assert "not installed" in registry.broken()["gone"].broken
    assert "faraway-fusion" in registry.broken()["gone"].broken
    assert "Fra holds no `card" in registry.broken()["misspelt"].broken
    with pytest.raises(DataError, match="not installed"):
        registry.get("gone")


def test_listing_does_not_import_them(elsewhere):
    method_registry().names()
    assert "faraway_fusion.far" not in sys.modules


def test_a_name_that_is_taken_is_an_error(elsewhere, make_plugin):
    (elsewhere / "faraway_fusion/far.py").write_text(make_plugin("prior").replace("class Prior", "class Far"))
    with pytest.raises(DataError, match="two methods are called 'prior'"):
        method_registry().names()
