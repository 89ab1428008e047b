"""Multiple kernel learning beside MKLpy's, mklaren's and the classical descent: same kernels, same rows, one run.

Run it with ``python -m fusebench.benchmarks.speed.kernels``; it takes a minute or two, most of it mklaren's. MKLpy is
under the GPL and asked only if it is there: this project does not need it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

from fusebench.benchmarks.speed.compare import head, lacks, line, measured, one_thread
from fusebench.datasets import DataError, Task, load_task
from fusebench.datasets.own import read_task
from fusebench.methods.kernels.alignment import RIDGE, alignf_weights, label_kernels, package_alignf
from fusebench.methods.kernels.bank import KERNELS, KernelBank
from fusebench.methods.kernels.base_kernel import Floats
from fusebench.methods.kernels.easy import easy_problem, easy_weights
from fusebench.methods.kernels.level import level_weights
from fusebench.methods.kernels.margin import hull_columns
from fusebench.methods.kernels.mklaren_package import load
from fusebench.methods.kernels.reduced_gradient import gradient_weights
from fusebench.methods.kernels.svm_dual import MixDual, quadratic_forms
from fusebench.methods.vectors import Codes

_REPEATS = 5
"""Runs of ours, of which the median counts; the others, which take long, run once."""

_GAP = 1e-3
"""Relative duality gap at which the reduced gradient stops. The level method is asked for a tenth of it: it must not
win by stopping early."""

_SOLVES = 5_000
# More machines than either search needs.


Search = Callable[[MixDual, float, int], tuple[Floats, float]]


@dataclass(frozen=True)
class Problem:
    """Base kernels (p, r, r), centred and scaled, of r rows with classes 0..k-1 (r,)."""

    stack: Floats
    codes: Codes


@click.command(
    epilog="""\b
Examples:
  python -m fusebench.benchmarks.speed.kernels
  python -m fusebench.benchmarks.speed.kernels datasets/examples/mfeat-6views.toml --data FOLDER
"""
)
@click.argument("task", required=False, metavar="[TASK.toml]", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder of the data files; the TOML's own when omitted.",
)
@click.option("--rows", default=800, show_default=True, help="Rows of the task, in its classes' shares.")
@click.option("--kernels", default=30, show_default=True, help="Base kernels: the ladder of forms on every modality.")
@click.option("--lam", default=0.1, show_default=True, help="EasyMKL's lambda, from 0 to 1.")
@click.option("--penalty", default=1.0, show_default=True, help="SimpleMKL's C.")
def main(task: Path | None, data: Path | None, rows: int, kernels: int, lam: float, penalty: float) -> None:
    """Measure EasyMKL beside MKLpy's, SimpleMKL beside its reduced gradient, and ALIGNF beside mklaren's.

    The kernels are those of your own data, described in a TOML, or of the embedded digits.
    """
    try:
        chosen = load_task("digits") if task is None else read_task(task, data)
    except DataError as error:
        raise click.ClickException(str(error)) from None
    if task is None:
        click.echo("no TOML given, so on the embedded digits")
    with one_thread():
        problem = make_problem(chosen, rows, kernels)
        p, r, _ = problem.stack.shape
        of = f"{r} rows of {len(np.unique(problem.codes))} classes"
        head(f"{chosen.card.name}: {p} kernels on {len(chosen.samples.names)} modalities, {of}", "others")
        easy(problem, lam)
        simple(problem, penalty)
        alignf(problem)


def make_problem(task: Task, rows: int, kernels: int) -> Problem:
    """At most so many rows and base kernels: as many forms of the ladder, from its start, as that takes."""
    _, codes = np.unique(task.y, return_inverse=True)
    ordered = np.argsort(codes, kind="stable")
    kept = np.sort(ordered[np.linspace(0, len(codes) - 1, min(rows, len(codes))).astype(np.intp)])
    samples = task.samples[kept]
    forms = KERNELS["ladder"][: -(-kernels // len(samples.names))]
    return Problem(KernelBank(forms).fit(samples).stack(np.arange(len(kept)))[:kernels], codes[kept])


def easy(problem: Problem, lam: float) -> None:
    """Weights of every class against the rest; MKLpy is not charged for the mixed kernels that it forms besides."""
    stack, codes = problem.stack, problem.codes
    ours, eta = measured(lambda: easy_weights(stack, codes, lam, each=True), _REPEATS)
    weights = eta / eta.sum(axis=1, keepdims=True)
    A = easy_problem(stack, lam)
    found = float(quadratic_forms(A[None], hull_columns(A, codes, each=True)).sum())
    try:
        import torch
        from MKLpy.algorithms import EasyMKL
        from MKLpy.arrange import summation
        from MKLpy.metrics import margin
    except ImportError:
        lacks("EasyMKL, MKLpy", "MKLpy", "pip install MKLpy")
        return
    torch.set_num_threads(1)
    matrices, total = [torch.from_numpy(K) for K in stack], torch.from_numpy(A)
    theirs = reached = apart = 0.0
    for own, c in zip(weights, range(len(weights)) if len(weights) > 1 else [1], strict=True):
        signs, model = torch.from_numpy(np.where(codes == c, 1, -1)), EasyMKL(lam=lam)
        with warnings.catch_warnings():  # what it asks of PyTorch will change
            warnings.simplefilter("ignore", UserWarning)
            seconds, solution = measured(partial(model.combine_kernels, matrices, signs))
        theirs += seconds - measured(partial(summation, matrices, solution.weights))[0]
        # It does not keep what its problem reached: solved again, as it did, and not timed.
        again = margin(total, signs, solver=model._solver, max_iter=model.max_iter, tol=model.tolerance)
        reached += float(again) ** 2
        apart = max(apart, float(np.abs(own - solution.weights.numpy()).max()))
    line("EasyMKL, MKLpy", ours, theirs, both("distance", found, reached, reached - found, apart))


def simple(problem: Problem, penalty: float) -> None:
    """One mix for all pairs of classes, by the level method and by the descent of the method's own paper."""
    value = MixDual(problem.stack, problem.codes, penalty)

    def search(solve: Search, gap: float) -> tuple[Floats, int]:
        dual = MixDual(problem.stack, problem.codes, penalty)
        return solve(dual, gap, _SOLVES)[0], dual.solved

    ours, (d, solved) = measured(lambda: search(level_weights, _GAP / 10), _REPEATS)
    theirs, (e, machines) = measured(lambda: search(gradient_weights, _GAP))
    found, reached = value(d)[0], value(e)[0]
    text = both("J", found, reached, reached - found, float(np.abs(d - e).max()))
    line("SimpleMKL, gradient", ours, theirs, f"{text}; {solved} and {machines} machines")


def alignf(problem: Problem) -> None:
    """One mix for all classes; the alignment has the ridge under its root that both sides add."""
    stack, labels = problem.stack, label_kernels(problem.codes, each=False)
    ours, found = measured(lambda: alignf_weights(stack, labels), _REPEATS)
    try:
        load("mklaren.mkl.alignf")
    except ImportError:
        lacks("ALIGNF, mklaren", "mklaren", 'pip install "fusebench[kernels]"')
        return
    theirs, reached = measured(lambda: package_alignf(stack, labels))
    sizes = np.linalg.norm(stack, axis=(1, 2))

    def alignment(d: Floats) -> float:
        K = np.tensordot(d, stack, 1)
        size = np.sqrt((K**2).sum() + RIDGE * ((d * sizes) ** 2).sum())
        return float(quadratic_forms(K[None], labels[0]).sum() / size / np.linalg.norm(labels[0].T @ labels[0]))

    mine, other = alignment(found[0]), alignment(reached[0])
    apart = float(np.abs(found[0] / found[0].sum() - reached[0]).max())
    line("ALIGNF, mklaren", ours, theirs, both("alignment", mine, other, mine - other, apart))


def both(objective: str, found: float, reached: float, better: float, apart: float) -> str:
    """What the two sides reached, by how much ours is better, and the largest difference between weights of sum 1."""
    return f"{objective} {found:.6f} and {reached:.6f}: better by {better:.0e}; weights apart by {apart:.0e} at most"


if __name__ == "__main__":
    main()
