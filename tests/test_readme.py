"""What the README shows works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusebench.benchmarks import ResultStore, read_records
from fusebench.benchmarks.cli import main

README = Path(__file__).parents[1] / "README.md"


def block(language: str, number: int = 0) -> str:
    """The README's code block of that language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[number]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with the files that the README's example speaks of."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 60
    labels = np.where(np.arange(n) % 3 == 0, "ill", "well")
    columns = {name: rng.normal(size=n) + (labels == "ill") for name in ("age", "sex", "smoker", "lab_hb", "lab_crp")}
    table = pd.DataFrame({"patient": [f"p{i}" for i in range(n)], "diagnosis": labels, **columns})
    table.to_csv(tmp_path / "patients.csv", index=False)
    np.savez(tmp_path / "ecg.npz", leads=rng.normal(size=(n, 2, 40)))
    (tmp_path / "heart.toml").write_text(block("toml"))
    (tmp_path / "neighbours.py").write_text(block("python"))
    return tmp_path


def test_own_data_and_own_method(home, capsys):
    assert call("validate", "heart.toml") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("history", "blood", "ecg", "ill", "well"))
    arguments = (
        "--task",
        "heart.toml",
        "--plugin",
        "neighbours.py",
        "--method",
        "neighbours",
        "--method",
        "concat-logistic",
    )
    assert call("run", "smoke", *arguments) == 0
    assert (home / "fusebench-results/report/report.html").exists()


@pytest.mark.slow
def test_suite_with_settings_of_parts(home, capsys):
    (home / "suite.toml").write_text(block("toml", 1))
    assert call("run", "suite.toml", "--folds", "2", "--no-report") == 0
    with ResultStore(home / "fusebench-results") as store:
        outcomes = read_records(store)["outcomes"]
    assert set(outcomes["status"]) == {"ok"}, outcomes[["method", "reason"]].to_string()
    assert len(outcomes) == 6


def test_the_plugin_passes_the_checks(home):
    assert call("check", "neighbours.py") == 0


def test_new_method_writes_a_plugin_that_passes(home):
    assert call("new", "method", "fresh-one") == 0
    (path,) = [p for p in home.glob("*.py") if p.name != "neighbours.py"]
    assert call("check", str(path)) == 0


def test_python_example_runs(home):
    exec(compile(block("python", 1), "README", "exec"), {})
    assert (home / "results/report/report.html").exists()


def test_ci_runs_the_test_command_of_the_readme():
    command = "pip install -c constraints.txt tox && tox"
    assert command in README.read_text(encoding="utf-8")
    assert command in (README.parent / ".ci/run").read_text(encoding="utf-8")
