"""Two methods over tasks: the Bayesian signed-rank test with a region of practical equivalence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 20_000
PRIOR = 0.5


def signed_rank(gaps: Floats, rope: float, draws: int = DRAWS, seed: int = 0) -> tuple[float, float, float]:
    """Probabilities that a method is worse, practically equivalent, and better, from its gains (T,) over tasks.

    The Dirichlet process of Benavoli et al. (2017, equation 19): weights of the gains and of one prior gain of zero are
    drawn, and each draw is counted for the region that holds most of the sums of two gains, halved. Seeded. NaN without
    a task.
    """
    known = gaps[np.isfinite(gaps)]
    if not len(known):
        return (float("nan"),) * 3
    values = np.concatenate([[0.0], known])
    sums = values[:, None] + values[None]
    above = np.heaviside(np.round(sums - 2 * rope, 12), 0.5)
    below = np.heaviside(np.round(-sums - 2 * rope, 12), 0.5)
    alpha = np.concatenate([[PRIOR], np.ones(len(known))])
    weights = np.random.default_rng(seed).dirichlet(alpha, draws)
    right = np.einsum("bi,ij,bj->b", weights, above, weights, optimize=True)
    left = np.einsum("bi,ij,bj->b", weights, below, weights, optimize=True)
    regions = np.stack([left, 1 - left - right, right])
    counts = np.bincount(regions.argmax(axis=0), minlength=3) / draws
    return float(counts[0]), float(counts[1]), float(counts[2])
