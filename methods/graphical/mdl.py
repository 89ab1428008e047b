"""Cuts of numeric columns by class entropy, as many as the minimum description length of the labels pays for."""

from __future__ import annotations

import math

import numpy as np

from ..vectors import Codes, Floats


def mdl_cuts(values: Floats, codes: Codes) -> list[Floats]:
    """Increasing cuts of every column of (n, D) values, given the rows' classes 0..k-1; NaN cells are left out.

    An interval is cut where the class entropy falls most, and its parts are cut in turn, as long as the gain exceeds
    (log2(N - 1) + log2(3^k - 2) - [k E - k1 E1 - k2 E2]) / N, with E the entropy and k the number of classes of the N
    rows (Fayyad and Irani 1993, section 3). A column on which no cut pays has none. Cuts lie half-way between values.
    """
    n, D = values.shape
    order = np.argsort(values, axis=0, kind="stable")  # missing cells come last
    known = (~np.isnan(values)).sum(axis=0)
    hot = np.eye(int(codes.max(initial=0)) + 1, dtype=np.intp)
    xlog2x = np.arange(n + 1, dtype=np.float64)
    xlog2x[1:] *= np.log2(xlog2x[1:])
    return [
        _column(values[rows, j], np.cumsum(hot[codes[rows]], axis=0), xlog2x)
        for j, rows in enumerate(order[: known[j], j] for j in range(D))
    ]


def _column(values: Floats, below: Codes, xlog2x: Floats) -> Floats:
    """Cuts of one sorted column; ``below[i]`` counts the classes of rows 0..i, shape (n, k)."""
    counts = np.vstack([np.zeros((1, below.shape[1]), dtype=np.intp), below])  # of the rows before position i
    steps = 1 + np.flatnonzero(values[:-1] < values[1:])  # equal values are never parted
    cuts: list[float] = []
    waiting = [(0, len(values))]
    while waiting:
        low, high = waiting.pop()
        inside = steps[np.searchsorted(steps, low, side="right") : np.searchsorted(steps, high)]
        at = _best(counts, low, high, inside, xlog2x) if len(inside) else None
        if at is not None:
            middle = values[at - 1] / 2 + values[at] / 2
            cuts.append(middle if middle > values[at - 1] else values[at])  # neighbours may have no number between
            waiting += [(low, at), (at, high)]
    return np.sort(np.array(cuts, dtype=np.float64))


def _best(counts: Codes, low: int, high: int, inside: Codes, xlog2x: Floats) -> int | None:
    """The best position to cut rows low..high-1, or None where no cut pays."""
    before, whole = counts[inside] - counts[low], counts[high] - counts[low]
    after = whole - before
    # N E, in bits; two positions are weighed by the sum over their parts.
    left = xlog2x[inside - low] - xlog2x[before].sum(axis=1)
    right = xlog2x[high - inside] - xlog2x[after].sum(axis=1)
    best = int((left + right).argmin())
    n, at = high - low, int(inside[best])
    both = xlog2x[n] - xlog2x[whole].sum()
    k, k1, k2 = (int(np.count_nonzero(c)) for c in (whole, before[best], after[best]))
    entropies = k * both / n - k1 * left[best] / (at - low) - k2 * right[best] / (high - at)
    cost = math.log2(n - 1) + math.log2(3**k - 2) - entropies
    return at if both - left[best] - right[best] > cost else None
