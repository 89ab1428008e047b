"""Equal tuning for all: Optuna over a method's own space, judged by log-loss in an inner cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import derived_seed, inner_folds
from fusebench.methods.base import Method, Proba
from fusebench.methods.sharing import sharing
from fusebench.methods.space import Choice, Real, SearchSpace, Whole

from .job import Budget

CRITERION = "log-loss of out-of-fold probabilities"
_CLIP = 1e-12
_EDGE = 0.02  # a value within this share of its range from a bound counts as lying at the edge

Rows = npt.NDArray[np.intp]


@dataclass
class Tuned:
    """The chosen settings, and the out-of-fold probabilities (training rows, classes) that they gave."""

    params: dict[str, Any]
    val_proba: Proba
    trials: list[dict[str, Any]] = field(default_factory=list)
    at_edge: list[str] = field(default_factory=list)


def build(cls: type[Method], params: Mapping[str, Any], seed: int, device: str) -> Method:
    """The method with its settings, seeded and placed where its constructor allows it."""
    accepted = cls._get_param_names()
    given: dict[str, Any] = {"random_state": seed, "device": device}
    return cls(**{k: v for k, v in given.items() if k in accepted}, **params)


def full_width(method: Method, proba: Proba, n_classes: int) -> Proba:
    """Probabilities over all classes of the task: those never seen in training get zero."""
    wide = np.zeros((len(proba), n_classes))
    wide[:, method.classes_] = proba
    return wide


def check_proba(method: Method, proba: Any, n: int) -> Proba:
    """The probabilities as float64; ValueError with the reason when they are not probabilities of n rows."""
    proba = np.asarray(proba, dtype=np.float64)
    expected = (n, len(method.classes_))
    if proba.shape != expected:
        raise ValueError(f"predict_proba gave shape {proba.shape}, expected {expected}: rows by classes_")
    if not np.isfinite(proba).all():
        raise ValueError(f"predict_proba gave {int((~np.isfinite(proba)).sum())} values that are not finite")
    if proba.min() < -1e-9 or proba.max() > 1 + 1e-6:
        raise ValueError(f"predict_proba gave values outside 0..1: {proba.min():.3g} to {proba.max():.3g}")
    off = np.abs(proba.sum(axis=1) - 1).max()
    if off > 1e-6:
        raise ValueError(f"predict_proba gave rows that do not sum to 1 (off by {off:.3g})")
    return np.clip(proba, 0.0, 1.0)


def log_loss(y: np.ndarray, proba: Proba) -> float:
    """Mean negative log probability of the true class, probabilities clipped at 1e-12."""
    return float(-np.log(np.clip(proba[np.arange(len(y)), y], _CLIP, 1.0)).mean())


@sharing()  # what the trials have in common is computed once; the timed fit comes after, and has nothing of it
def tune(
    cls: type[Method],
    fixed: Mapping[str, Any],
    samples: Samples,
    y: np.ndarray,
    n_classes: int,
    budget: Budget,
    seed: int,
    device: str = "cpu",
) -> Tuned:
    """Choose the settings with the lowest out-of-fold log-loss among ``budget.trials`` trials.

    The defaults are always the first trial, so that tuning never loses to them on the criterion. All trials see the
    same inner folds and seeds. A method without a search space is judged once, for its out-of-fold probabilities.

    Raises
    ------
    Exception: what the first trial raised, when every trial raised.
    """
    space = {k: v for k, v in cls.search_space().items() if k not in fixed}
    distributions = {name: _distribution(dimension) for name, dimension in space.items()}
    folds = inner_folds(y, samples.groups, budget.inner_folds, derived_seed(seed, "inner"))
    if not folds:
        raise ValueError("the training rows are of a single subject; tuning needs at least two")
    study = _study(seed)
    best: Tuned | None = None
    best_loss = math.inf
    first_error: Exception | None = None
    log: list[dict[str, Any]] = []
    for number in range(budget.trials if space else 1):
        chosen = _defaults(cls, fixed, space) if number == 0 else study.ask(distributions).params
        try:
            proba = _out_of_fold(cls, {**fixed, **chosen}, samples, y, n_classes, folds, seed, device)
        except MemoryError:
            raise
        except Exception as error:  # one bad setting must not end the search; all bad settings do
            first_error = first_error or error
            log.append({"params": chosen, "loss": None, "error": f"{type(error).__name__}: {error}"})
            continue
        loss = log_loss(y, proba)
        log.append({"params": chosen, "loss": loss})
        if all(_contains(space[name], value) for name, value in chosen.items()):
            study.add_trial(optuna.trial.create_trial(params=chosen, distributions=distributions, value=loss))
        if best is None or loss < best_loss:
            best, best_loss = Tuned({**fixed, **chosen}, proba), loss
    if best is None:
        assert first_error is not None
        raise first_error
    best.trials = log
    best.at_edge = sorted(name for name, d in space.items() if _at_edge(d, best.params[name])) if len(log) > 1 else []
    return best


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=derived_seed(seed, "tune"), n_startup_trials=5)
    return optuna.create_study(sampler=sampler)


def _defaults(cls: type[Method], fixed: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    defaults = cls(**fixed).get_params(deep=False)
    return {name: defaults[name] for name in space}


def _out_of_fold(
    cls: type[Method],
    params: Mapping[str, Any],
    samples: Samples,
    y: np.ndarray,
    n_classes: int,
    folds: list[tuple[Rows, Rows]],
    seed: int,
    device: str,
) -> Proba:
    proba = np.zeros((len(y), n_classes))
    for i, (train, held) in enumerate(folds):
        method = build(cls, params, derived_seed(seed, "fold", i), device).fit(samples[train], y[train])
        proba[held] = full_width(method, check_proba(method, method.predict_proba(samples[held]), len(held)), n_classes)
    return proba


def _distribution(dimension: Real | Whole | Choice) -> optuna.distributions.BaseDistribution:
    if isinstance(dimension, Real):
        return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Whole):
        return optuna.distributions.IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return optuna.distributions.CategoricalDistribution(dimension.options)


def _contains(dimension: Real | Whole | Choice, value: Any) -> bool:
    """Whether a search could have proposed the value; a default such as None, for "as the data say", need not be so."""
    if isinstance(dimension, Choice):
        return value in dimension.options
    return isinstance(value, int | float) and dimension.low <= value <= dimension.high


def _at_edge(dimension: Real | Whole | Choice, value: Any) -> bool:
    if isinstance(dimension, Choice) or not _contains(dimension, value):
        return False
    low, high, at = float(dimension.low), float(dimension.high), float(value)
    if dimension.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    if isinstance(dimension, Whole):
        return value in (dimension.low, dimension.high)
    return min(at - low, high - at) < _EDGE * (high - low)
