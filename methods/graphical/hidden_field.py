"""Learning fields of hidden states, one a class, from points with places: what chains and grids of windows share."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Modality

from ..vectors import Codes, Floats
from .emissions import Emissions, Scaler, cluster, moving_mean
from .latent_tree import Expected, Prior, downward, hard_counts, upward

_ENOUGH = 1e-4
"""Gain in log-likelihood a point below which EM stops: far below what the priors change."""
_TRIAL_STEPS = 5
"""Steps of EM after which the better of several starts is clear enough."""
_CELLS = 2**22
"""Points times states that are worked on at once when predicting: 32 MB an array."""


class HiddenField:
    """log p(x_m | c) of one modality whose values are points at T places, each with a hidden state.

    EM starts from one clustering of the points of all classes; the clusters are the prior of the emissions. Where a
    subclass names several windows, means over so many neighbouring points are clustered, too, and the start goes on
    that is the most likely one after a few steps: points in much noise show their states only in company.

    Parameters
    ----------
    states: hidden states.
    coupling: whether neighbours' states depend on each other.
    strength: points that the clusters weigh in the emissions of a state.
    alpha: pseudo-counts a state, shared out by the frequencies over all classes.
    max_iter: most steps of EM.
    """

    hidden: str
    common_emissions: bool
    """Whether a state looks the same in all classes."""

    def __init__(self, states: int, coupling: bool, strength: float, alpha: float, max_iter: int) -> None:
        self.states, self.coupling, self.strength, self.alpha = states, coupling, strength, alpha
        self.max_iter = max_iter

    def fit(self, modality: Modality, codes: Codes, k: int) -> Self:
        """Learn from rows of classes 0..k-1. ``history_``: the log-likelihood before each step of EM."""
        self.k_, self.n_parameters = k, 0
        self.history_: list[float] = []
        self.learnt_ = bool(modality.present.any())
        if self.learnt_:
            points = self._points(modality)[modality.present]
            self.scaler_ = Scaler.of(points)
            self._learn(self.scaler_(points), codes[modality.present])
        return self

    def __call__(self, modality: Modality) -> Floats:
        """log p(x_m | c), shape (n, k); zero where the modality is absent, or was in all of training."""
        logs = np.zeros((len(modality), self.k_))
        here = np.flatnonzero(modality.present)
        if self.learnt_ and len(here):
            points = self.scaler_(self._points(modality)[here])
            step = max(1, _CELLS // (points.shape[1] * len(self.common_.mean)))
            logs[here] = np.vstack([self._logs(points[i : i + step]) for i in range(0, len(points), step)])
        return logs

    def _learn(self, z: Floats, codes: Codes) -> None:
        starts = []
        windows = self._windows(z.shape[1])
        for window in windows:
            start = copy(self)
            start._begin(z, codes, window)
            if len(windows) > 1:
                start._climb(z, codes, min(_TRIAL_STEPS, self.max_iter))
            starts.append(start)
        vars(self).update(vars(max(starts, key=lambda start: start.history_[-1:])))
        self._climb(z, codes, self.max_iter)
        S, F = self.common_.mean.shape
        self.n_parameters = self._free(S) + len(self.emissions_) * 2 * S * F

    def _begin(self, z: Floats, codes: Codes, window: int) -> None:
        """States from a clustering of means over ``window`` neighbouring points."""
        n, T, F = z.shape
        self.common_, labels = cluster(z.reshape(-1, F), self.states, moving_mean(z, window).reshape(-1, F))
        S = len(self.common_.mean)
        self.order_, self.parents_ = self._graph(labels.reshape(n, T), codes)
        counts = hard_counts(self.parents_, np.eye(S)[labels].reshape(n, T, S), codes, self.k_)
        # Without the rows' states: a fitted model must not hold on to them.
        self._base = Expected(counts.totals.sum(axis=1), counts.pairs.sum(axis=1), np.empty((0, T, S)))
        self.emissions_: Sequence[Emissions] = [self.common_] * (1 if self.common_emissions else self.k_)
        self.prior_ = self._maximised(counts, self._base)
        self.history_ = []

    def _climb(self, z: Floats, codes: Codes, steps: int) -> None:
        """EM until it has made so many steps in all, or gains no more."""
        while len(self.history_) < steps:
            messages = upward(self.prior_, self._densities(z, codes), codes)
            self.history_.append(float(messages.log_likelihood.sum()))
            if len(self.history_) > 1 and self.history_[-1] - self.history_[-2] < _ENOUGH * z.shape[0] * z.shape[1]:
                break
            counts = downward(self.prior_, messages, codes)
            self.prior_ = self._maximised(counts, self._base)
            self.emissions_ = [
                self.common_.updated(z[rows], counts.states[rows], self.strength) for rows in self._sharing(codes)
            ]

    def _sharing(self, codes: Codes) -> list[npt.NDArray[np.bool_]]:
        """The rows of each set of emissions."""
        if self.common_emissions:
            return [np.ones(len(codes), dtype=bool)]
        return [codes == c for c in range(self.k_)]

    def _densities(self, z: Floats, codes: Codes) -> Floats:
        logs = np.empty((*z.shape[:2], len(self.common_.mean)))
        for rows, emissions in zip(self._sharing(codes), self.emissions_, strict=True):
            logs[rows] = emissions.log_density(z[rows])
        return logs

    def _logs(self, z: Floats) -> Floats:
        densities = [emissions.log_density(z) for emissions in self.emissions_]
        return np.column_stack(
            [upward(self.prior_, densities[c % len(densities)], c).log_likelihood for c in range(self.k_)]
        )

    def _windows(self, places: int) -> Sequence[int]:
        """How many neighbouring points are clustered together at the start; several are tried."""
        return (1,)

    def _points(self, modality: Modality) -> Floats:
        """The values as points (n, T, F), NaN where missing."""
        raise NotImplementedError

    def _graph(self, labels: Codes, codes: Codes) -> tuple[list[int], list[int]]:
        """Order and parents of the T places, from the points' clusters (n, T)."""
        raise NotImplementedError

    def _maximised(self, counts: Expected, base: Expected) -> Prior:
        """The prior that fits the counts best; ``base`` has the clusters' counts over all classes, (T, S [, S])."""
        raise NotImplementedError

    def _free(self, states: int) -> int:
        """Free parameters of the prior."""
        raise NotImplementedError


def smoothed(counts: Floats, base: Floats, weight: float) -> Floats:
    """(counts + weight p) / (total + weight) over the last axis, p the base's counts plus one, normalised.

    All are positive, also with no weight: there is always a thousandth of a count.
    """
    p = (base + 1.0) / (base + 1.0).sum(axis=-1, keepdims=True)
    added = counts + max(weight, 1e-3) * p
    return added / added.sum(axis=-1, keepdims=True)
