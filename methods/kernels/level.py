"""Minimising a sum-of-kernels machine over the simplex by cutting planes and a level set (Xu et al. 2009)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp, nnls

from .base_kernel import Floats
from .svm_dual import MixDual

_LEVEL = 0.5
# The level aimed at, between the lower bound (0) and the best value so far (1).


def level_weights(dual: MixDual, gap: float, most: int) -> tuple[Floats, float]:
    """Weights on the simplex (p,) that minimise ``dual``, and the relative duality gap reached.

    Every machine's solution a gives a plane below J: J(d) >= 1^T a - sum_m d_m q_m / 2. Their highest points over the
    simplex bound the minimum from below; the next weights are the projection of the last ones onto those d that the
    planes allow to be halfway between the bound and the best value. Nothing depends on the kernels' order. At most
    ``most`` machines are fitted.
    """
    p = len(dual.stack)
    d = np.full(p, 1.0 / p)
    best, found, bound = np.inf, d, -np.inf
    slopes, offsets = np.empty((0, p)), np.empty(0)
    while True:
        value, q = dual(d)
        if value < best:
            best, found = value, d
        slopes, offsets = np.vstack([slopes, -0.5 * q]), np.append(offsets, value + 0.5 * d @ q)
        bound = max(bound, _lowest(slopes / best, offsets / best) * best)
        left = max((best - bound) / best, 0.0)
        if left <= gap or dual.solved >= most:
            return found, left
        level = bound + _LEVEL * (best - bound)
        # Units in which the planes' slopes are about 1.
        unit = np.abs(slopes).max()
        there = nearest(d, -slopes / unit, (offsets - level) / unit)
        if there is None:
            return found, left
        d = there


def _lowest(slopes: Floats, offsets: Floats) -> float:
    """Minimum over the simplex of the highest of the planes slopes @ d + offsets."""
    many, p = slopes.shape
    rows = np.vstack([np.column_stack([slopes, -np.ones(many)]), np.append(np.ones(p), 0.0)])
    # Without whole numbers it is the linear program, which linprog hands to the same solver in four times the time.
    result = milp(
        np.append(np.zeros(p), 1.0),
        constraints=LinearConstraint(rows, np.append(np.full(many, -np.inf), 1.0), np.append(-offsets, 1.0)),
        bounds=Bounds(np.append(np.zeros(p), -np.inf)),
    )
    return float(result.fun) if result.status == 0 else -np.inf


def nearest(d: Floats, G: Floats, h: Floats) -> Floats | None:
    """The point x of the simplex nearest to d (p,) with G x >= h, or None when there is none.

    Least distance programming by non-negative least squares (Lawson and Hanson 1974, chapter 23).
    """
    p = len(d)
    G = np.vstack([G, np.ones(p), -np.ones(p), np.eye(p)])
    slack = np.concatenate([h, [1.0, -1.0], np.zeros(p)]) - G @ d
    E = np.vstack([G.T, slack])
    target = np.append(np.zeros(p), 1.0)
    try:
        multipliers, distance = nnls(E, target, maxiter=50 * E.shape[1])
    except RuntimeError:  # it went round in circles, within rounding
        return None
    if distance < 1e-9:
        return None
    residual = E @ multipliers - target
    x = np.maximum(d - residual[:p] / residual[p], 0.0)
    x[x < 1e-9] = 0.0  # rounding
    return x / x.sum()
