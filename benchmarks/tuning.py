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
from .out_of_fold import OutOfFold

CRITERION = "log-loss of out-of-fold probabilities"
_CLIP = 1e-12
# The first trials are drawn without regard to earlier ones: they may be asked for at once, and are the same.
_STARTUP = 5
_EDGE = 0.02  # a value within this share of its range from a bound counts as lying at the edge

Rows = npt.NDArray[np.intp]


@dataclass
class Tuned:
    """The chosen settings, and the out-of-fold probabilities (training rows, classes) that they gave.

    ``spared`` holds the wall and CPU seconds to be added to the cost of tuning; see ``OutOfFold``.
    """

    params: dict[str, Any]
    val_proba: Proba
    trials: list[dict[str, Any]] = field(default_factory=list)
    at_edge: list[str] = field(default_factory=list)
    spared: tuple[float, float] = (0.0, 0.0)
    notes: list[str] = field(default_factory=list)


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
    defaults = _defaults(cls, fixed, space)
    if all(_contains(space[name], value) for name, value in defaults.items()):
        study.enqueue_trial(defaults)
        defaults = {}
    out_of_fold = OutOfFold(cls, samples, y, n_classes, folds, seed, device)
    best: Tuned | None = None
    best_loss = math.inf
    first_error: Exception | None = None
    log: list[dict[str, Any]] = []
    trials = budget.trials if space else 1
    while len(log) < trials:
        ahead = min(trials, _STARTUP) if out_of_fold.offered and not log else 1
        asked: list[optuna.Trial | None] = [None] if defaults and not log else []
        asked += [study.ask(distributions) for _ in range(ahead - len(asked))]
        settings = [defaults if trial is None else trial.params for trial in asked]
        for trial, chosen, came in zip(asked, settings, out_of_fold([{**fixed, **s} for s in settings]), strict=True):
            if isinstance(came, Exception):  # one bad setting must not end the search; all bad settings do
                first_error = first_error or came
                log.append({"params": chosen, "loss": None, "error": f"{type(came).__name__}: {came}"})
                if trial is not None:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            loss = log_loss(y, came)
            log.append({"params": chosen, "loss": loss})
            if trial is not None:
                study.tell(trial, loss)
            if best is None or loss < best_loss:
                best, best_loss = Tuned({**fixed, **chosen}, came), loss
    if best is None:
        assert first_error is not None
        raise first_error
    best.trials, best.spared, best.notes = log, out_of_fold.spared, out_of_fold.notes
    best.at_edge = sorted(name for name, d in space.items() if _at_edge(d, best.params[name])) if len(log) > 1 else []
    return best


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=derived_seed(seed, "tune"), n_startup_trials=_STARTUP)
    return optuna.create_study(sampler=sampler)


def _defaults(cls: type[Method], fixed: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    defaults = cls(**fixed).get_params(deep=False)
    return {name: defaults[name] for name in space}


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
