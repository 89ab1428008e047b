"""Conformance checks of numbers: the same rows give the same probabilities, whatever happens around them."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fusebench.datasets.samples import Samples

from ._checking import CheckSkipped, Trial, ensure_same
from ._toy import rebuilt, toy_task


def check_same_seed(trial: Trial) -> None:
    """The same seed gives the same probabilities, bit for bit."""
    again = trial.fit(*trial.train).predict_proba(trial.test)
    ensure_same(again, trial.proba, "fitted twice with the same seed", 0.0)


def check_global_random_state(trial: Trial) -> None:
    """The state of the global random generators does not matter: chance comes from ``random_state`` alone."""
    results = []
    for seed in (1, 2):
        with _global_seed(seed):
            results.append(trial.fit(*trial.train).predict_proba(trial.test))
    ensure_same(
        results[0], results[1], "with another state of the global random generators (use random_state instead)", 0.0
    )


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed the generators of Python, NumPy and, where it is loaded, torch; and give their states back afterwards."""
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is what is checked
    torches = torch.get_rng_state() if torch is not None else None
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(torches)


def check_predict_twice(trial: Trial) -> None:
    """Predicting does not change the model."""
    trial.fitted.predict_proba(trial.test[:7])
    ensure_same(trial.fitted.predict_proba(trial.test), trial.proba, "predicted twice", 0.0)


def check_row_order(trial: Trial) -> None:
    """Rows in another order get the same probabilities."""
    order = np.random.default_rng(0).permutation(len(trial.test))
    ensure_same(trial.fitted.predict_proba(trial.test[order]), trial.proba[order], "rows in another order")


def check_single_row(trial: Trial) -> None:
    """A row alone gets the probabilities that it gets among others."""
    _not_transductive(trial)
    for row in range(0, len(trial.test), 8):
        ensure_same(trial.fitted.predict_proba(trial.test[row]), trial.proba[[row]], f"row {row} alone")


def check_subset_of_rows(trial: Trial) -> None:
    """Some of the rows, or one row many times, get the probabilities that they get among all."""
    _not_transductive(trial)
    some = np.arange(len(trial.test)) % 3 == 0
    ensure_same(trial.fitted.predict_proba(trial.test[some]), trial.proba[some], "a third of the rows")
    same = np.full(5, 3)
    ensure_same(trial.fitted.predict_proba(trial.test[same]), trial.proba[same], "one row five times")


def _not_transductive(trial: Trial) -> None:
    if trial.cls.card.transductive:
        raise CheckSkipped("transductive: what a row gets depends on the rows around it")


def check_only_given_rows(trial: Trial) -> None:
    """Only the rows that were given are seen: a part of larger samples gives what a copy of that part gives."""
    samples, y = trial.train
    copied = trial.fit(rebuilt(samples), y).predict_proba(rebuilt(trial.test))
    ensure_same(copied, trial.proba, "the rows copied into samples of their own (use `values`, never `array`)")


def check_modality_order(trial: Trial) -> None:
    """Modalities are known by name: in another order at prediction they give the same probabilities."""
    names = trial.test.names
    if len(names) < 2:
        raise CheckSkipped("the toy has one modality")
    turned: Samples = trial.test.select(names[::-1])
    ensure_same(trial.fitted.predict_proba(turned), trial.proba, "modalities in another order at prediction")


def check_refit(trial: Trial) -> None:
    """Fitting again forgets what was fitted before."""
    other = toy_task(trial.kinds, 48, seed=9)
    model = trial.make()
    model.fit(other.samples, 1 - other.y)
    model.fit(*trial.train)
    ensure_same(model.predict_proba(trial.test), trial.proba, "fitted on other data first")
