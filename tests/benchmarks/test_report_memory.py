"""What a report of many outcomes holds in memory, all its processes together; of many tasks few figures are drawn."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fusebench.benchmarks.speed import report_parts
from fusebench.benchmarks.speed.report import fill, report
from fusebench.benchmarks.speed.tree import peak_of
from fusebench.benchmarks.store import ResultStore

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

MOST = 450_000_000
# Bytes; 370 million were measured, of which an empty report takes 280: a second copy of the predictions is too much.


@pytest.mark.slow
def test_shared_pages_of_a_child_count_once_and_its_own_are_added():
    held = "import os, time; b = b'x' * 150_000_000; os.fork(); {}time.sleep(2)"
    shared = peak_of([sys.executable, "-c", held.format("")])
    own = peak_of([sys.executable, "-c", held.format("c = b'y' * 50_000_000; ")])
    assert 150e6 < shared < 200e6
    assert own - shared == pytest.approx(100e6, rel=0.1)


@pytest.mark.slow
def test_a_command_that_fails_is_told_with_its_error():
    with pytest.raises(subprocess.CalledProcessError) as error:
        peak_of([sys.executable, "-c", "raise SystemExit('no such store')"])
    assert "no such store" in error.value.stderr


@pytest.mark.slow
def test_a_report_of_many_methods_and_tasks_holds_its_predictions_once(tmp_path):
    with ResultStore(tmp_path, write=True) as store:
        assert fill(store, methods=60, tasks=9, repeats=1, rows=400) == 2700
    _, peak = report(tmp_path)
    assert 250e6 < peak < MOST
    folder = tmp_path / "report"
    assert "60 methods on 9 tasks" in (folder / "report.html").read_text()
    assert len(list((folder / "figures").glob("*.svg"))) == 4 + 2 * 9


def test_the_parts_of_a_report_are_timed_in_their_order(tmp_path):
    with ResultStore(tmp_path, write=True) as store:
        fill(store, methods=6, tasks=1, repeats=1, rows=60)
    done = CliRunner().invoke(report_parts.main, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = [re.fullmatch(r"(.{22}) +([\d.]+) s +([\d.]+) s of processors", line) for line in done.output.splitlines()]
    titles = [match[1].strip() for match in told if match]
    assert titles[:5] == ["reading", "tasks", "survey, findings", "checks", "claims, order"]
    assert [title.split(" ", 1)[1] for title in titles[5:]] == ["figures", "tables, pages"]
