"""The speed benchmarks at work on tiny input: every part prints its ratio and how far the results are apart."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from fusebench.benchmarks.speed import rows
from fusebench.benchmarks.speed.compare import measured


def output(main, *arguments):
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def row(text, title):
    """The row of the table: the ratio, and the result."""
    (line,) = [line for line in text.splitlines() if line.startswith(title)]
    ratio, result = re.search(r"([\d.]+)x  (.*)", line).groups()
    return float(ratio), result


@pytest.fixture(scope="module")
def kernels():
    pytest.importorskip("cvxopt")  # comes with mklaren, which itself cannot be imported as it is
    from fusebench.benchmarks.speed.kernels import main

    return output(main, "--rows", "60", "--kernels", "6")


@pytest.mark.parametrize(
    ("title", "gap"), [("EasyMKL, MKLpy", 1e-9), ("SimpleMKL, gradient", 1e-4), ("ALIGNF, mklaren", 1e-9)]
)
def test_kernel_weights_are_no_worse_than_the_others(kernels, title, gap):
    """Where both search to a gap, up to the gap."""
    if title.endswith("MKLpy"):
        pytest.importorskip("MKLpy")
    ratio, result = row(kernels, title)
    found, reached, better = re.search(r"(\d+\.\d+) and (\d+\.\d+): better by (\S+);", result).groups()
    assert ratio > 0
    assert float(better) >= -gap * float(found)
    assert float(found) == pytest.approx(float(reached), rel=1e-2)
    assert re.search(r"weights apart by \S+ at most", result)


def test_without_a_task_of_ones_own_it_is_the_digits_and_says_so(kernels):
    assert kernels.startswith(
        "no TOML given, so on the embedded digits\ndigits: 6 kernels on 5 modalities, 60 rows of 10"
    )


def test_without_mklpy_the_row_says_how_to_get_it_and_the_rest_is_measured(monkeypatch):
    pytest.importorskip("cvxopt")
    from fusebench.benchmarks.speed.kernels import main

    monkeypatch.setitem(sys.modules, "MKLpy.algorithms", None)
    text = output(main, "--rows", "60", "--kernels", "2")
    assert re.search(r"^EasyMKL, MKLpy .*pip install MKLpy$", text, re.MULTILINE)
    assert row(text, "ALIGNF")[0] > 0


def test_a_task_that_cannot_be_read_is_named(tmp_path):
    from fusebench.benchmarks.speed.kernels import main

    done = CliRunner().invoke(main, [str(tmp_path / "none.toml")])
    assert done.exit_code == 1
    assert "none.toml" in done.output


@pytest.mark.slow
def test_networks_beside_pgmpys():
    pytest.importorskip("pgmpy")
    from fusebench.benchmarks.speed.graphical import main

    text = output(main, "--rows", "60", "--modalities", "1", "--searches", "1")
    for title in ("naive Bayes", "TAN"):
        ratio, result = row(text, title)
        assert ratio > 0
        assert float(re.fullmatch(r"posteriors differ by (\S+) at most", result)[1]) < 1e-8
    for title in ("hill climbing, bdeu", "hill climbing, bic-d"):
        ratio, result = row(text, title)
        assert ratio > 0
        assert float(re.search(r"than its best by (\S+)", result)[1]) >= 0


def test_the_slope_of_a_power_law_is_its_exponent():
    n = np.array([100, 1000, 5000])
    assert rows.slope(n, 3e-7 * n**1.5) == pytest.approx(1.5)


@pytest.mark.slow
def test_rows_are_fitted_in_processes_of_their_own_and_drawn(tmp_path):
    text = output(
        rows.main, "--method", "kernel-uniform", "--most", "1000", "--plot", str(tmp_path / "rows.png")
    ).splitlines()
    table = [line.split() for line in text if line.startswith("kernel-uniform  ")]
    assert [line[1] for line in table] == ["500", "1,000"]
    assert all(float(line[-1]) > 0.7 for line in table)
    assert re.fullmatch(r"kernel-uniform, full: time grows with rows\^\S+, memory .* \(500 to 1,000 rows\)", text[-1])
    assert (tmp_path / "rows.png").read_bytes().startswith(b"\x89PNG")


def test_more_rows_than_a_whole_matrix_may_have_are_another_line(monkeypatch):
    monkeypatch.setattr(rows, "FULL_ROWS", 100)
    points = [rows.measure("kernel-uniform", n) for n in (80, 120)]
    assert [name for name, _ in rows.lines(points)] == ["kernel-uniform, full", "kernel-uniform, low rank"]
    assert all(point.fit > 0 and point.predict > 0 and point.memory >= 0 for point in points)


def test_the_median_run_counts_and_the_last_answers():
    answers = iter(range(3))
    seconds, last = measured(lambda: next(answers), 3)
    assert seconds >= 0
    assert last == 2
