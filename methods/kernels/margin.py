"""The shortest line between two classes' convex hulls: exact, by libsvm's guess and a few linear systems."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..vectors import Codes
from .base_kernel import Flags, Floats
from .svm_dual import dual_columns, problems

_NO_BOUND = 1e10
# Penalty of the hard-margin machine, for matrices whose diagonal is about 1.

_START = 1e-3
_STEPS = 20
# libsvm gives the first guess of who supports the hulls: to this tolerance, in at most this many steps a row. On
# classes that overlap in few dimensions it would need thousands of steps a row to be exact.

_PATIENCE = 3
_ROUNDS = 500
# Exchanges of many rows at once that may fail to help before single ones; and a bound that is not met in practice.


def hull_columns(A: Floats, codes: Codes, each: bool) -> Floats:
    """beta = gamma y of every one of ``svm_dual.problems``, (r, problems): the minimum of beta^T A beta.

    gamma >= 0 sums to 1 in each of the two classes. Up to scale it is the dual of the hard-margin SVM.

    Parameters
    ----------
    A: positive definite, (r, r).
    codes: 0..k-1, all of them, (r,), k > 1.
    """
    A = A / A.diagonal().mean()
    guess = dual_columns(A, codes, _NO_BOUND, each, _START, _STEPS * len(A)) != 0
    columns = np.zeros(guess.shape)
    for column, (rows, positive) in enumerate(problems(codes, each)):
        own = A if len(rows) == len(A) else A[np.ix_(rows, rows)]
        columns[rows, column] = hull_distance(own, positive, guess[rows, column])
    return columns


def hull_distance(A: Floats, positive: Flags, free: Flags) -> Floats:
    """beta (r,) that minimises beta^T A beta, exact but for rounding: block principal pivoting.

    With the rows of gamma > 0 known, the optimum is a linear system. Rows whose gamma comes out negative leave, rows
    that would lower the objective enter, many at a time; when that stops helping, only the last of them does, which
    ends for any positive definite A (Portugal, Judice and Vicente 1994).

    Parameters
    ----------
    positive: the rows of one class; the others are the other's.
    free: a first guess of the rows with gamma > 0; a class without any gets all its rows.
    """
    sign = np.where(positive, 1.0, -1.0)
    sides = np.column_stack([positive, ~positive]) * sign[:, None]  # sides^T beta = (1, 1)
    free = free | (positive & ~free[positive].any()) | (~positive & ~free[~positive].any())
    fewest, patience = len(A) + 1, _PATIENCE
    for _ in range(_ROUNDS):
        chosen = np.flatnonzero(free)
        inverse = cho_solve(
            cho_factor(A[np.ix_(chosen, chosen)], check_finite=False), sides[chosen], check_finite=False
        )
        levels = np.linalg.solve(sides[chosen].T @ inverse, np.ones(2))
        beta = np.zeros(len(A))
        beta[chosen] = inverse @ levels
        # Each class's rows lie at its level or beyond; levels is half the objective's derivative, hence its unit.
        beyond = sign * (A @ beta) - np.where(positive, levels[0], levels[1])
        wrong = np.where(free, sign * beta < 0, beyond < -1e-10 * levels.sum())
        count = int(wrong.sum())
        if not count:
            break
        if count < fewest:
            fewest, patience = count, _PATIENCE
        elif patience:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free = free ^ wrong
    return beta
