"""What kernel methods cost in rows: whole kernel matrices to 5,000 rows, low rank to 200,000, and how fast it grows.

Run it with ``python -m fusebench.benchmarks.speed.rows``; it takes about five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

from fusebench.benchmarks.cost import Meter
from fusebench.benchmarks.speed.compare import measured, one_thread
from fusebench.datasets import load_task
from fusebench.methods.kernels.machine import FULL_ROWS, KernelSVM
from fusebench.methods.registry import cure, method_registry, missing_packages

SIZES = (500, 1_000, 2_000, FULL_ROWS, 10_000, 20_000, 50_000, 100_000, 200_000)
METHODS = ("kernel-uniform", "kernel-simple", "kernel-mklaren")

_NEW = 2_000
"""Rows that are predicted; of the same task, and not learnt from."""

_UPPER = 3
"""Slopes are those of the largest so many sizes: below, what does not depend on the rows still counts."""


@dataclass(frozen=True)
class Point:
    """What one fit took: CPU seconds, peak bytes above the rows themselves, CPU seconds for 1,000 new rows."""

    method: str
    rows: int
    low_rank: bool
    fit: float
    memory: float
    predict: float
    accuracy: float

    @property
    def series(self) -> str:
        """The method and how it goes about so many rows: points of one series lie on one line."""
        return f"{self.method}, {'low rank' if self.low_rank else 'full'}"


@click.command(
    epilog="""\b
Examples:
  python -m fusebench.benchmarks.speed.rows --plot rows.png
  python -m fusebench.benchmarks.speed.rows --method kernel-alignf --most 20000
"""
)
@click.option(
    "--method", "methods", multiple=True, default=METHODS, show_default=True, help="Kernel methods, repeated."
)
@click.option("--most", default=SIZES[-1], show_default=True, help="Sizes above so many rows are left out.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.png", help="Draw the points, too."
)
def main(methods: Sequence[str], most: int, plot: Path | None) -> None:
    """Fit kernel methods to ever more rows of the planted task ADD, each time in a process of its own."""
    sizes = [n for n in SIZES if n <= most]
    points: list[Point] = []
    click.echo(f"{'CPU time, one thread':24}{'rows':>9}{'fit':>11}{'1,000 new':>12}{'memory':>11}{'accuracy':>10}")
    context = get_context("forkserver")
    context.set_forkserver_preload([measure.__module__])
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        for method in methods:
            card = method_registry().get(method).card
            if card is None or missing_packages(card):
                click.echo(f"{method:24}is not installed; get it with: {cure(card) if card else 'its own package'}")
                continue
            for point in pool.map(measure, [method] * len(sizes), sizes):
                points.append(point)
                click.echo(
                    f"{method:24}{point.rows:9,}{point.fit:9.2f} s{point.predict * 1e3:9.1f} ms"
                    f"{point.memory / 1e6:8.0f} MB{point.accuracy:10.3f}"
                )
    click.echo(f"the best rule's accuracy is {load_task('add').bayes['accuracy']:.3f}")
    for name, line in lines(points):
        upper = line[-_UPPER:]
        if len(upper) > 1:
            rows = [point.rows for point in upper]
            time, memory = slope(rows, [p.fit for p in upper]), slope(rows, [p.memory for p in upper])
            between = f"{rows[0]:,} to {rows[-1]:,} rows"
            click.echo(f"{name}: time grows with rows^{time:.2f}, memory with rows^{memory:.2f} ({between})")
    if plot is not None:
        draw(points, plot)


def measure(method: str, rows: int) -> Point:
    """Fit a method with its default settings to so many rows of ADD, and predict new ones."""
    task = load_task("add", n=rows + _NEW)
    train, test = task.samples[:rows], task.samples[rows:]
    cls = method_registry().get(method).load()
    cls.warm_up()
    meter, model = Meter(), cls()
    with one_thread():
        meter.forget_peak()
        fit, _ = measured(lambda: model.fit(train, task.y[:rows]))
        meter.peak()
        predict, proba = measured(lambda: model.predict_proba(test))
    right = float((model.classes_[proba.argmax(axis=1)] == task.y[rows:]).mean())
    low_rank = not issubclass(cls, KernelSVM) or rows > FULL_ROWS
    return Point(method, rows, low_rank, fit, meter.cost["peak_memory"], predict / _NEW * 1e3, right)


def lines(points: Sequence[Point]) -> Iterator[tuple[str, list[Point]]]:
    """The points of each method's way, by rows; they come in that order."""
    for name, some in groupby(points, lambda point: point.series):
        yield name, list(some)


def slope(rows: Sequence[float], cost: Sequence[float]) -> float:
    """Exponent b of the power law cost = a rows^b, by least squares of the logarithms."""
    return float(np.polyfit(np.log(rows), np.log(np.maximum(cost, 1e-9)), 1)[0])


def draw(points: Sequence[Point], file: Path) -> None:
    """Seconds and memory against rows, both axes logarithmic; dashed where low rank."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    colours = {method: f"C{i}" for i, method in enumerate(dict.fromkeys(point.method for point in points))}
    for axes, title, cost in zip(
        figure.subplots(1, 2),
        ("CPU seconds to fit, one thread", "Peak memory of the fit, MB"),
        (lambda point: point.fit, lambda point: point.memory / 1e6),
        strict=True,
    ):
        for name, line in lines(points):
            dashes, colour = "--" if line[0].low_rank else "-", colours[line[0].method]
            axes.loglog([p.rows for p in line], [cost(p) for p in line], f"o{dashes}", color=colour, label=name)
        axes.axvline(FULL_ROWS, color="0.8", linewidth=0.8, zorder=0)
        axes.set_title(title, loc="left", fontsize="medium")
        axes.set_xlabel("training rows")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize="small")
    figure.savefig(file, format="png", dpi=160)


if __name__ == "__main__":
    main()
