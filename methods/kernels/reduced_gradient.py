"""SimpleMKL's own descent: reduced gradient on the simplex."""

from __future__ import annotations

import numpy as np

from .base_kernel import Floats
from .svm_dual import MixDual

_LINE = 8
_FLAT = 0.1
# Points that a line search may look at, and the share of the first slope that is flat enough.


def gradient_weights(dual: MixDual, gap: float, most: int) -> tuple[Floats, float]:
    """Weights on the simplex (p,) that minimise ``dual``, and the relative duality gap reached.

    From uniform weights (Rakotomamonjy et al. 2008, algorithm 1); at most about ``most`` machines are fitted. The gap
    is (max_m q_m - sum_m d_m q_m) / 2, and all kernels with weight share the largest q_m where it is zero.
    """
    p = len(dual.stack)
    d = np.full(p, 1.0 / p)
    value, q = dual(d)
    before = np.inf
    while True:
        left = max(float(0.5 * (q.max() - d @ q)) / value, 0.0)
        if left <= gap or dual.solved >= most or value >= before:  # no progress: what is left is libsvm's tolerance
            return d, left
        before = value
        d, value, q = _descend(dual, d, value, q, direction(d, q))


def direction(d: Floats, q: Floats) -> Floats:
    """The reduced gradient's descent direction (p,), summing to 0 (their eq. 12); all zero at an optimum.

    The reference is the largest weight, and among equals the kernel with the largest q, so that the kernels' order
    does not matter.
    """
    reference = int(np.lexsort((q, d))[-1])
    D = 0.5 * (q - q[reference])
    D[(d <= 0) & (D < 0)] = 0.0
    D[reference] = 0.0
    D[reference] = -D.sum()
    return D


def _descend(dual: MixDual, d: Floats, value: float, q: Floats, D: Floats) -> tuple[Floats, float, Floats]:
    """The next weights, with J and q there: at the boundary if J falls all the way, else where it is about flat.

    J is convex, so that its slope -q D / 2 grows along D; the secant of the slopes leads to its zero (Illinois rule).
    What has the smallest J on the way is given, which may be where it began.
    """
    falling = np.flatnonzero(D < 0)
    limits = -d[falling] / D[falling]
    low, high = 0.0, float(limits.min())
    first = below = float(-0.5 * q @ D)
    above, step, best = np.inf, high, (d, value, q)
    for _ in range(_LINE):
        there = np.maximum(d + step * D, 0.0)
        if step == limits.min():
            there[falling[limits == step]] = 0.0
        there /= there.sum()
        new, q = dual(there)
        if new < best[1]:
            best = there, new, q
        slope = float(-0.5 * q @ D)
        if abs(slope) <= _FLAT * abs(first) or (slope < 0 and step == high and above == np.inf):
            break
        if slope > 0:
            below *= 0.5 if high == step else 1.0
            high, above = step, slope
        else:
            low, below = step, slope
        step = low - (high - low) * below / (above - below)
    return best
