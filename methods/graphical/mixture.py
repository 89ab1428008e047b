"""A mixture whose weights depend on the class: C -> Z -> X with a latent Z, learnt by penalised EM with restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..vectors import Codes, Floats
from .discretise import Table

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SHORT = 10
"""Steps of every restart before the best one goes on alone (Biernacki, Celeux and Govaert 2003)."""
_NOISE = 0.5
"""Standard deviation of a start's log-probabilities around its classes' own tables."""
_TINY = np.finfo(float).tiny


def one_hot(table: Table, levels: Codes) -> csr_array:
    """Rows of codes (n, D) as an (n, sum of levels) matrix of ones; a missing cell (-1) has none."""
    from scipy.sparse import csr_array

    starts = np.concatenate([[0], np.cumsum(levels)[:-1]]).astype(np.intp)
    seen = table >= 0
    ends = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    where = (table + starts)[seen]
    return csr_array((np.ones(len(where)), where, ends), shape=(len(table), int(levels.sum())))


@dataclass(frozen=True)
class Mixture:
    """p(z | c) as ``states`` (k, K) and p(x_j = v | z) as ``values`` (sum of levels, K), columns one after another."""

    states: Floats
    values: Floats

    def log_likelihood(self, hot: Any) -> Floats:
        """log p(x | c) of rows, (n, k): z is summed out, and a missing cell drops its factor."""
        logs = hot @ np.log(np.maximum(self.values, _TINY))
        top = logs.max(axis=1, keepdims=True)
        return top + np.log(np.maximum(np.exp(logs - top) @ self.states.T, _TINY))


@dataclass(frozen=True)
class Trace:
    """A fitted mixture and the penalised log-likelihood before every step of the run that gave it."""

    mixture: Mixture
    objective: tuple[float, ...]
    converged: bool


class PenalisedEM:
    """Maximises sum_i log p(x_i | c_i) + a sum log p(z | c) + alpha sum log p(x_j = v | z).

    The penalties are the log-densities of symmetric Dirichlet priors with parameters a + 1 and alpha + 1; a step never
    lowers the sum (Dempster, Laird and Rubin 1977, section 3). a is alpha, but at most n / (2 k K) for K states: more
    pseudo-counts than half of a class's n / k rows would make all classes alike.

    Parameters
    ----------
    hot: (n, sum of levels), see ``one_hot``.
    levels: (D,).
    codes: (n,), classes 0..k-1.
    """

    def __init__(self, hot: Any, levels: Codes, codes: Codes, k: int, alpha: float) -> None:
        self.hot, self.levels, self.codes, self.k, self.alpha = hot, levels, codes, k, alpha
        self.starts = np.concatenate([[0], np.cumsum(levels)[:-1]]).astype(np.intp)
        self.member = (codes[:, None] == np.arange(k)).astype(np.float64)

    def run(self, K: int, restarts: int, max_iter: int, tolerance: float, seed: int) -> Trace:
        """The best of some starts, taken on until a row gains less than ``tolerance``."""
        short = [
            self._climb(self.start(K, np.random.default_rng([seed, r])), min(_SHORT, max_iter), tolerance)
            for r in range(restarts if K > 1 else 1)
        ]
        best = max(short, key=lambda trace: trace.objective[-1])
        if best.converged or max_iter <= _SHORT:
            return best
        rest = self._climb(best.mixture, max_iter - _SHORT, tolerance)
        return Trace(rest.mixture, best.objective[:-1] + rest.objective, rest.converged)

    def start(self, K: int, rng: np.random.Generator) -> Mixture:
        """States shared out among the classes in an order drawn by lot, each near the mean of its classes' tables."""
        rank, states = rng.permutation(self.k), np.arange(K)[:, None]
        own = ((rank % K == states) | (states % self.k == rank)).astype(np.float64)  # (K, k)
        counts = (self.hot.T @ self.member) @ own.T + 1.0
        values = self._normalised(counts) * np.exp(_NOISE * rng.standard_normal((len(counts), K)))
        weights = own.T + 0.1
        return Mixture(weights / weights.sum(axis=1, keepdims=True), self._normalised(values))

    def step(self, mixture: Mixture) -> tuple[Mixture, float]:
        """One step of EM, and the objective before it."""
        joint = self.hot @ np.log(np.maximum(mixture.values, _TINY)) + np.log(np.maximum(mixture.states, _TINY)).take(
            self.codes, axis=0
        )
        top = joint.max(axis=1, keepdims=True)
        shares = np.exp(joint - top)
        sums = shares.sum(axis=1, keepdims=True)
        shares /= sums
        objective = float((top + np.log(sums)).sum()) + self.penalty(mixture)
        states = self.member.T @ shares + self._state_alpha(shares.shape[1])
        # Without a prior, a state or class that has lost all its rows keeps equal chances.
        states = np.where(states.sum(axis=1, keepdims=True) > 0, states, 1.0)
        values = self._normalised(self.hot.T @ shares + self.alpha)
        return Mixture(states / states.sum(axis=1, keepdims=True), values), objective

    def penalty(self, mixture: Mixture) -> float:
        """The logarithm of the prior, up to a constant."""
        if not self.alpha:
            return 0.0
        states, values = (np.log(np.maximum(p, _TINY)).sum() for p in (mixture.states, mixture.values))
        return float(self._state_alpha(mixture.states.shape[1]) * states + self.alpha * values)

    def _state_alpha(self, K: int) -> float:
        return min(self.alpha, len(self.codes) / (2 * self.k * K))

    def _climb(self, mixture: Mixture, steps: int, tolerance: float) -> Trace:
        history: list[float] = []
        enough = tolerance * len(self.codes)
        for _ in range(steps):
            following, objective = self.step(mixture)
            history.append(objective)
            if len(history) > 1 and history[-1] - history[-2] < enough:
                return Trace(mixture, tuple(history), True)
            mixture = following
        return Trace(mixture, (*history, self.step(mixture)[1]), False)

    def _normalised(self, values: Floats) -> Floats:
        """Each column's values divided by their sum, state by state."""
        if not len(self.levels):
            return values
        sums = np.add.reduceat(values, self.starts, axis=0).repeat(self.levels, axis=0)
        equal = (1.0 / self.levels).repeat(self.levels)[:, None]
        return np.where(sums > 0, values / np.where(sums > 0, sums, 1.0), equal)
