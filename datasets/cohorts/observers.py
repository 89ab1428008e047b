"""How well the simulated cohorts can be told from their arrays alone: what an observer attains, beside the bound.

    python -m fusebench.datasets.cohorts.observers

The best scores of a cohort are bounds: those of a rule that reads without error what every modality shows of the latent
severity. An observer measures the arrays instead, and guesses from that what they show. It knows how a cohort is made,
and has learned from other rows of the cohort; of the rows that are scored it is given the samples and nothing else.
What it attains can be reached, so that the best rule scores between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ..registry import load_task
from ..samples import Samples
from ..task import Task
from . import observer_pictures as pictures
from . import observer_series as series

ROWS = 2000
"""Rows that teach, and as many others that are scored, of every sample."""
SEEDS = (0, 1)

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """Something that is read from a sample's arrays.

    Parameters
    ----------
    measure: from samples to numbers, (n, F), of each row by itself.
    of: what is guessed from them, as in "shown 0": the first column of ``truth["shown"]`` of the rows that teach;
        "label"; or empty where the numbers are taken as they are.
    model: makes the regression that guesses it.
    """

    measure: Callable[[Samples], Floats]
    of: str = ""
    model: Callable[[], Any] = RidgeCV

    def target(self, task: Task) -> Floats:
        """What is guessed, of the rows of a task that teaches, (n,)."""
        if self.of == "label":
            return task.y.astype(np.float64)
        name, _, column = self.of.partition(" ")
        truth = task.truth[name]
        return truth[:, int(column)] if column else truth


@dataclass(frozen=True)
class Attained:
    """What an observer scores on average over so many rows, the standard error of that, and the bound; by metric."""

    rows: int
    score: Mapping[str, float]
    error: Mapping[str, float]
    bound: Mapping[str, float]

    def between(self, metric: str) -> tuple[float, float]:
        """Where the best score lies: from what is attained but for two standard errors, to the bound."""
        sure = 2 * self.error[metric] * (1 if metric == "accuracy" else -1)
        return self.score[metric] - sure, self.bound[metric]


class Observer:
    """A rule that reads arrays, guesses what they show, and tells the label from these guesses."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def fit(self, task: Task, rows: npt.NDArray[np.intp]) -> Observer:
        """Learn from those rows of a task: their samples, labels and truth."""
        samples = task.samples[rows]
        columns, self._models = [], []
        for reading in self._readings:
            measured = reading.measure(samples)
            if reading.of:
                target, model = reading.target(task)[rows], reading.model()
                # Guesses of rows that the guessing model has not seen, as those that are scored later will be.
                columns.append(cross_val_predict(model, measured, target, cv=5)[:, None])
                self._models.append(model.fit(measured, target))
            else:
                columns.append(measured)
                self._models.append(None)
        rule = make_pipeline(StandardScaler(), LogisticRegression(C=100.0, max_iter=2000))
        self._rule = rule.fit(np.hstack(columns), task.y[rows])
        return self

    def predict_proba(self, samples: Samples) -> Floats:
        """P(class | arrays), (n, C)."""
        columns = []
        for reading, model in zip(self._readings, self._models, strict=True):
            measured = reading.measure(samples)
            columns.append(measured if model is None else model.predict(measured)[:, None])
        return self._rule.predict_proba(np.hstack(columns))


def _linear() -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 4, 9)))


def _smooth() -> Any:
    """The mean of a quadratic regression and of boosted trees."""
    quadratic = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))
    )
    trees = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.05, random_state=0)
    return VotingRegressor([("quadratic", quadratic), ("trees", trees)])


def _chosen(columns: int, quadratic: bool = False) -> Any:
    """A regression on as many columns, those that go best with what is guessed."""
    more = [PolynomialFeatures(2), StandardScaler()] if quadratic else []
    choice = SelectKBest(f_regression, k=columns)
    return make_pipeline(StandardScaler(), choice, *more, RidgeCV(np.logspace(-2, 4, 13)))


OBSERVERS: Mapping[str, Sequence[Reading]] = {
    "brain-cohort": (
        Reading(series.brain_t1, "burdens 0", _linear),
        Reading(series.brain_pet, "burdens 1", _linear),
        Reading(series.brain_tables),
    ),
    "connectome-cohort": (
        Reading(series.connectome_function, "burden", lambda: _chosen(20, quadratic=True)),
        # Five regions tell: ten edges among them, and three values at each.
        Reading(series.connectome_tracts, "label", lambda: _chosen(10)),
        Reading(series.connectome_shapes, "label", lambda: _chosen(15)),
        Reading(series.connectome_phenotype),
    ),
    "lesion-cohort": (
        Reading(pictures.lesion_outline, "shown 0", _smooth),
        Reading(pictures.lesion_flow, "shown 1", _smooth),
    ),
    "glioma-cohort": (
        Reading(pictures.glioma_ring, "shown 0", _smooth),
        Reading(pictures.glioma_necrosis, "shown 1", _smooth),
        Reading(pictures.glioma_oedema, "shown 2", _smooth),
    ),
    "retina-cohort": (
        Reading(pictures.retina_cup, "shown 0", _smooth),
        Reading(pictures.retina_layers, "shown 1", _smooth),
        Reading(pictures.retina_table, "shown 2", _smooth),
    ),
    "fetal-cohort": (Reading(series.fetal_trace, "shown 0", _smooth), Reading(series.fetal_words)),
    "interview-cohort": (
        Reading(series.interview_alpha, "shown 0", _smooth),
        Reading(series.interview_voice, "shown 1", _smooth),
    ),
}
"""What is read in every simulated cohort, as it comes by default."""


def attained(name: str, rows: int = ROWS, seeds: Sequence[int] = SEEDS) -> Attained:
    """What the observer of a cohort scores at its default settings: accuracy, log-loss in nats, and Brier score.

    Half of each sample teaches and the other half is scored; no subject is in both. The luck of the rows is taken out:
    a score is the bound, less the mean by which the observer falls short on these rows of the rule whose expected
    score the bound is (a control variate: the same on average, with a smaller error).
    """
    short: dict[str, list[Floats]] = {}
    for seed in seeds:
        task = load_task(name, n=2 * rows, seed=seed)
        teaching, scored = _halves(task)
        guessed = Observer(OBSERVERS[name]).fit(task, teaching).predict_proba(task.samples[scored])
        p = task.truth["posterior"][scored]
        exact = p if p.ndim == 2 else np.column_stack([1 - p, p])
        for metric, score in SCORES.items():
            short.setdefault(metric, []).append(score(exact, task.y[scored]) - score(guessed, task.y[scored]))
        bound = {metric: task.bayes[metric] for metric in SCORES}
    gaps = {metric: np.concatenate(parts) for metric, parts in short.items()}
    count = len(gaps["accuracy"])
    return Attained(
        count,
        {metric: float(bound[metric] - gap.mean()) for metric, gap in gaps.items()},
        {metric: float(gap.std() / np.sqrt(count)) for metric, gap in gaps.items()},
        bound,
    )


def _halves(task: Task) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The rows of the first half of the subjects, and the others."""
    _, subject = np.unique(task.samples.groups, return_inverse=True)
    first = subject <= np.median(subject)
    return np.flatnonzero(first), np.flatnonzero(~first)


def _of_label(p: Floats, y: Codes) -> Floats:
    return np.clip(p[np.arange(len(y)), y], 1e-15, 1)


SCORES: Mapping[str, Callable[[Floats, Codes], Floats]] = {
    "accuracy": lambda p, y: (p.argmax(axis=1) == y).astype(np.float64),
    "log_loss": lambda p, y: -np.log(_of_label(p, y)),
    "brier": lambda p, y: np.square(p - np.eye(p.shape[1])[y]).sum(axis=1),
}
"""The score of every row, (n,), from probabilities (n, C) and labels (n,)."""


def table(found: Mapping[str, Attained], classes: Mapping[str, int]) -> str:
    """A Markdown table: accuracy by chance and as attained, and between what the best accuracy and log-loss lie."""
    lines = [
        "| task | accuracy by chance | attained | best accuracy between | best log-loss between |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        ends = [" and ".join(f"{end:.3f}" for end in one.between(metric)) for metric in ("accuracy", "log_loss")]
        reached = f"{one.score['accuracy']:.3f} ± {one.error['accuracy']:.3f}"
        lines.append(f"| `{name}` | {1 / classes[name]:.3f} | {reached} | {ends[0]} | {ends[1]} |")
    return "\n".join(lines)


@click.command(
    epilog="""\b
Example:
  python -m fusebench.datasets.cohorts.observers --cohort glioma-cohort --rows 500
"""
)
@click.option("--cohort", "names", multiple=True, type=click.Choice(list(OBSERVERS)), help="All of them when omitted.")
@click.option("--rows", default=ROWS, show_default=True, help="That teach, and as many that are scored.")
def main(names: Sequence[str], rows: int) -> None:
    """Print what observers of the simulated cohorts attain, beside the bounds."""
    found = {name: attained(name, rows) for name in names or OBSERVERS}
    click.echo(table(found, {name: len(load_task(name, n=40).classes) for name in found}))


if __name__ == "__main__":
    main()
