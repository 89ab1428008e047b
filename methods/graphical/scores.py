"""Scores of a variable with its parents, for many candidate parents at once: BDeu and BIC."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..vectors import Codes, Floats
from .discretise import Table
from .network import Parents
from .tables import Counts, xlogx

_CELLS = 2**22
"""Counts held at once: 32 MB."""


class Score:
    """A decomposable score of a network: a number for each variable with its parents, higher is better."""

    def of(self, counts: Counts, q: int) -> Floats:
        """Scores (m,) of m tables of counts (m, seen parents' combinations, child's levels), out of q combinations.

        Combinations that no row has may be left out of the counts.
        """
        raise NotImplementedError


class BDeu(Score):
    """Log marginal likelihood of a table whose cells each have the Dirichlet prior ess / (q r).

    sum_j [ln G(a/q) - ln G(a/q + N_j) + sum_k (ln G(a/(q r) + N_jk) - ln G(a/(q r)))] with a = ess (Heckerman, Geiger
    and Chickering 1995, equation 28). Equivalent networks score equal.
    """

    def __init__(self, ess: float) -> None:
        self.ess = ess
        self._rises: dict[float, Floats] = {}

    def of(self, counts: Counts, q: int) -> Floats:
        """The score, in nats."""
        above = counts.sum(axis=-1)
        most = int(above.max(initial=0))
        cells = self._rise(self.ess / (q * counts.shape[-1]), most)[counts].sum(axis=(-2, -1))
        return cells - self._rise(self.ess / q, most)[above].sum(axis=-1)

    def _rise(self, prior: float, most: int) -> Floats:
        """ln G(prior + N) - ln G(prior) for N = 0..most or more."""
        known = self._rises.get(prior)
        if known is None or len(known) <= most:
            from scipy.special import gammaln

            known = self._rises[prior] = gammaln(prior + np.arange(2 * most + 1)) - gammaln(prior)
        return known


class BIC(Score):
    """Log likelihood less ln(n) / 2 for each free parameter: sum N_jk ln(N_jk / N_j) - (ln n / 2) q (r - 1).

    Schwarz 1978. Equivalent networks score equal.
    """

    def of(self, counts: Counts, q: int) -> Floats:
        """The score, in nats; n is the number of rows counted."""
        above = counts.sum(axis=-1)
        n = np.maximum(above.sum(axis=-1), 1)
        fit = xlogx(counts).sum(axis=(-2, -1)) - xlogx(above).sum(axis=-1)
        return fit - np.log(n) / 2 * q * (counts.shape[-1] - 1)


class FamilyScores:
    """What parents are worth to a variable of a table of codes, in which -1 is a missing cell.

    A family is compared with its child alone on the rows that have all of the family, so that what is missing cannot
    make a difference; without missing cells the worth is the score of the family less that of its child alone, and
    equivalent networks are worth the same.
    """

    def __init__(self, table: Table, levels: Sequence[int], score: Score) -> None:
        self.levels = np.array(levels)
        self.score = score
        self._columns = np.ascontiguousarray(table.T, dtype=np.intp)
        self._complete = bool((self._columns >= 0).all())
        self._known: dict[tuple[int, Parents], float] = {}

    def alone(self, child: int) -> float:
        """The score of a variable without parents, on the rows where it is present."""
        own = self._columns[child]
        counts = np.bincount(own[own >= 0], minlength=self.levels[child])
        return float(self.score.of(counts[None, None, :], 1)[0])

    def worth(self, child: int, parents: Parents) -> float:
        """What the parents, in increasing order, add to the score of the child."""
        key = (child, parents)
        if key not in self._known:
            self._known[key] = float(self.with_each(child, parents[:-1], np.array(parents[-1:]))[0]) if parents else 0.0
        return self._known[key]

    def with_each(self, child: int, parents: Parents, others: Codes) -> Floats:
        """What the parents and one more are worth to the child, for each of the others."""
        found = np.empty(len(others))
        rows, place, seen = self._combinations(child, parents)
        own, r = self._columns[child][rows], int(self.levels[child])
        q = math.prod(int(self.levels[p]) for p in parents)
        sizes = self.levels[others]
        for size in np.unique(sizes):
            chosen = np.flatnonzero(sizes == size)
            cells = int(size) * seen * r
            step = max(1, _CELLS // cells)
            for some in np.split(chosen, range(step, len(chosen), step)):
                more = self._columns[others[some]][:, rows]
                cell = (more * seen + place) * r + own + cells * np.arange(len(some))[:, None]
                cell = cell.ravel() if self._complete else cell[more >= 0]
                counts = np.bincount(cell, minlength=cells * len(some)).reshape(len(some), -1, r)
                alone = self.score.of(counts.sum(axis=1, keepdims=True), 1)
                found[some] = self.score.of(counts, q * int(size)) - alone
        return found

    def _combinations(self, child: int, parents: Parents) -> tuple[Codes | slice, Codes, int]:
        """Rows that have the child and its parents, the number of their parents' combination, how many numbers."""
        rows: Codes | slice = slice(None)
        if not self._complete:
            rows = np.flatnonzero((self._columns[[child, *parents]] >= 0).all(axis=0))
        place, seen = np.zeros_like(self._columns[child][rows]), 1
        for p in parents:
            place, seen = place * self.levels[p] + self._columns[p][rows], seen * int(self.levels[p])
            if seen > len(place):  # most combinations have no row: number those that have
                kept, place = np.unique(place, return_inverse=True)
                seen = max(1, len(kept))
        return rows, place, seen
