"""Linear support vector machines for many rows: Newton's method on the squared hinge, on sums of squares it keeps."""

from __future__ import annotations

import numpy as np

from ..vectors import Floats
from .base_kernel import Flags

_STEPS = 60
_CLOSE = 1e-9
# Share of the objective that a step must still win.

_THIN = 8
# The search starts from the solution on every eighth row, as long as these are twice as many as there are features.

_CHUNK = 4096
# Rows copied at a time where only some enter a sum of squares.


def squared_hinge(Z: Floats, signs: Floats, C: float) -> tuple[Floats, Floats]:
    """Minimise |w|^2 / 2 + C sum_i max(0, 1 - signs_i (z_i w + b))^2 for each column of signs; b is free.

    The finite Newton method of Keerthi and DeCoste (2005): solve least squares on the rows within the margin, go there
    as far as the objective falls, until these rows stay the same. The sums of squares are kept from step to step, and
    only rows that enter or leave are added or taken away.

    Parameters
    ----------
    Z: features (n, r).
    signs: -1 or 1, (n, k).
    C: penalty.

    Returns
    -------
    w (r, k) and b (k,).
    """
    r = Z.shape[1]
    W = _minimise(Z, signs, C)
    return W[:r], W[r]


def _minimise(Z: Floats, signs: Floats, C: float) -> Floats:
    """Coefficients and, in the last row, intercepts, (r + 1, k)."""
    from scipy.linalg import solve

    (n, r), k = Z.shape, signs.shape[1]
    # Some scale of its own keeps the intercept's equation solvable whatever rows are left.
    shrink = np.append(np.full(r, 0.5 / C), 1e-12 * n)
    W = np.zeros((r + 1, k))
    if n > 2 * _THIN * (r + 1):
        W = _minimise(np.ascontiguousarray(Z[::_THIN]), signs[::_THIN], _THIN * C)
    scores = Z @ W[:r] + W[r]
    inside = signs * scores < 1.0
    squares = _first(Z, inside)
    live = np.arange(k)
    for _ in range(_STEPS):
        targets = signs[:, live] * inside[:, live]
        right = np.vstack([Z.T @ targets, targets.sum(axis=0)])
        goal = [solve(squares[c] + np.diag(shrink), b, assume_a="pos") for c, b in zip(live, right.T, strict=True)]
        steps = np.column_stack(goal) - W[:, live]
        changes = Z @ steps[:r] + steps[r]
        moving = []
        for c, step, change in zip(live, steps.T, changes.T, strict=True):
            won = _go(W[:, c], step, scores[:, c], change, signs[:, c], shrink)
            now = signs[:, c] * scores[:, c] < 1.0
            if won > _CLOSE and (now != inside[:, c]).any():
                squares[c] = _update(Z, squares[c], inside[:, c], now)
                inside[:, c] = now
                moving.append(c)
        live = np.array(moving, dtype=np.intp)
        if not len(live):
            break
    return W


def _go(w: Floats, step: Floats, scores: Floats, change: Floats, sign: Floats, shrink: Floats) -> float:
    """Move w and scores along the step, at most to its end, where the objective is least; the share that it fell by."""
    from scipy.optimize import brentq

    def slack(t: float) -> Floats:
        return np.maximum(1.0 - sign * (scores + t * change), 0.0)

    def slope(t: float) -> float:
        return float(np.vdot(shrink * (w + t * step), step) - np.vdot(slack(t) * sign, change))

    def value() -> float:
        rest = slack(0.0)
        return float(np.vdot(shrink * w, w) + np.vdot(rest, rest))

    if slope(0.0) >= 0:
        return 0.0
    before = value()
    t = 1.0 if slope(1.0) <= 0 else float(brentq(slope, 0.0, 1.0, xtol=1e-6))
    w += t * step
    scores += t * change
    return 1.0 - value() / before


def _first(Z: Floats, inside: Flags) -> list[Floats]:
    """Sums of squares for each column of ``inside``; formed once for those that hold every row."""
    whole = _squares(Z, np.ones(len(Z), dtype=bool)) if inside.all(axis=0).any() else np.zeros((0, 0))
    return [whole.copy() if rows.all() else _squares(Z, rows) for rows in inside.T]


def _update(Z: Floats, squares: Floats, before: Flags, now: Flags) -> Floats:
    """The sums of squares of the rows ``now``, from those of the rows before where that is less work."""
    if now.sum() < (now != before).sum():
        return _squares(Z, now)
    return squares + _squares(Z, now & ~before) - _squares(Z, before & ~now)


def _squares(Z: Floats, rows: Flags) -> Floats:
    """Sum over the marked rows of (z, 1) (z, 1)^T, (r + 1, r + 1)."""
    r = Z.shape[1]
    total = np.zeros((r + 1, r + 1))
    marked = np.flatnonzero(rows)
    for start in range(0, len(marked), _CHUNK):
        part = Z[marked[start : start + _CHUNK]]
        total[:r, :r] += part.T @ part
        total[r, :r] += part.sum(axis=0)
    total[:r, r] = total[r, :r]
    total[r, r] = len(marked)
    return total
