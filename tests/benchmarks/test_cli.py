"""The command line, as a user would call it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fusebench.benchmarks.cli import main


@pytest.fixture
def call(tmp_path, monkeypatch, capfd):
    """Call the command line in an empty folder; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            main(list(arguments))
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def small_suite(write, small_task):
    return str(
        write("small.toml", f'folds = 2\nmethods = ["prior", "concat-logistic"]\n[[tasks]]\nname = "{small_task}"')
    )


def test_run_report_status_export(call, small_suite, tmp_path):
    code, out, err = call("run", small_suite, "--out", "o")
    assert code == 0, err
    assert "concat" in out.lower()
    assert "4 jobs" in err
    assert (tmp_path / "o/report/report.html").exists()
    assert not (tmp_path / "o/.work").exists()

    code, out, err = call("run", small_suite, "--out", "o", "--no-report")
    assert "4 of them done before" in err

    code, out, _ = call("status", "--out", "o", "--json")
    assert json.loads(out)["counts"] == {"ok": 4}

    assert call("export", "p.csv", "--out", "o")[0] == 0
    frame = pd.read_csv(tmp_path / "p.csv")
    assert len(frame) == 2 * 60
    np.testing.assert_allclose(frame["p(no)"] + frame["p(yes)"], 1)
    assert set(frame["true"]) == {"no", "yes"}
    assert call("export", "s.tsv", "--out", "o", "--what", "splits")[0] == 0
    parts = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert parts.groupby(["fold", "part"]).size().to_dict() == {
        (0, "test"): 30,
        (0, "train"): 30,
        (1, "test"): 30,
        (1, "train"): 30,
    }
    assert call("export", "o.csv", "--out", "o", "--what", "outcomes", "--method", "prior")[0] == 0
    assert set(pd.read_csv(tmp_path / "o.csv")["method"]) == {"prior"}

    (tmp_path / "o/report/report.html").unlink()
    code, out, err = call("report", "--out", "o", "--to", "again")
    assert code == 0
    assert (tmp_path / "again/report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "smok"], "did you mean 'smoke'"),
        (["run", "smoke", "--task", "xorr"], "did you mean 'xor'"),
        (["run", "smoke", "--task", "nowhere.toml"], "nowhere.toml"),
        (["run", "smoke", "--method", "tna"], "did you mean 'tan'"),
        (["run", "smoke", "--time-limit", "soon"], "not a duration"),
        (["run", "smoke", "--memory-limit", "much"], "not a size"),
        (["run", "smoke", "--plugin", "none.py"], "no such file"),
        (["report", "--out", "nothing"], "no results there"),
        (["status", "--out", "nothing"], "no results there"),
        (["export", "x.csv", "--out", "nothing"], "no results there"),
        (["export", "x.xlsx"], "ends in .csv, .tsv or .parquet"),
        (["reprot"], "did you mean 'report'"),
        (["show", "method", "tna"], "did you mean 'tan'"),
        (["validate", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_mistakes_are_one_line_without_a_traceback(call, arguments, message):
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_results_file_that_is_not_ours_is_left_alone(call, tmp_path, small_suite):
    path = tmp_path / "o" / "results.sqlite"
    path.parent.mkdir()
    path.write_text("my thesis " * 500)
    code, _, err = call("run", small_suite, "--out", "o")
    assert (code, "not a results file of fusebench" in err) == (2, True)
    assert path.read_text() == "my thesis " * 500


def test_every_command_has_help_with_examples():
    from fusebench.benchmarks.cli import _COMMANDS, group

    for name in _COMMANDS:
        result = CliRunner().invoke(group, [name, "--help"])
        assert result.exit_code == 0, name
        assert "Examples:" in result.output, name


def test_failed_jobs_are_told_and_retried(call, write, make_plugin, small_task):
    bad = str(write("bad.py", make_plugin("bad", fit='raise ValueError("no such thing")', space="{}")))
    arguments = ["run", str(write("s.toml", "folds = 2")), "--plugin", bad, "--plugin", small_task, "--method", "bad"]
    code, _, err = call(*arguments, "--no-report")
    assert code == 0
    assert "no such thing" in err
    assert "2 jobs did not end well" in err
    _, out, _ = call("status", "--log")
    assert "failed in tune" in out
    assert "ValueError: no such thing" in out
    _, _, err = call(*arguments, "--no-report")
    assert "2 of them done before" in err
    _, _, err = call(*arguments, "--no-report", "--retry-failed")
    assert "done before" not in err


def test_a_family_that_is_not_installed_never_breaks_a_run(call, write, make_plugin, small_task):
    text = make_plugin("needy", space="{}").replace('family="other"', 'family="other", requires=("no_such_package",)')
    needy = str(write("needy.py", "import no_such_package\n" + text))
    suite = str(write("s.toml", 'folds = 2\nmethods = ["prior"]'))
    code, _, err = call("run", suite, "--plugin", needy, "--plugin", small_task, "--no-report")
    assert code == 0, err
    _, out, _ = call("status", "--json")
    assert json.loads(out)["counts"] == {"not_installed": 2, "ok": 2}
    _, out, _ = call("list", "methods", "--plugin", needy)
    assert "pip install no_such_package" in out


def test_module_and_console_command_are_the_same():
    said = subprocess.run([sys.executable, "-m", "fusebench.benchmarks", "--version"], capture_output=True, text=True)
    assert said.stdout.startswith("fusebench, version ")


def test_python_in_a_few_lines(tmp_path, small_suite):
    from fusebench.benchmarks import read_records, run
    from fusebench.reports.results import Results
    from fusebench.reports.write import write_report

    with run(small_suite, out=tmp_path / "o") as store:
        page = write_report(Results.from_records(**read_records(store)), tmp_path / "report")
    assert page.read_text().startswith("<!")
