"""Tables of counts for discrete Bayesian classifiers, and the information measures made from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats
from .discretise import Table

Counts = npt.NDArray[np.int64]


def class_counts(table: Table, codes: Codes, levels: Codes, k: int) -> Counts:
    """How often column j has value v in class c: shape (D, most levels, k). Missing cells are not counted.

    Counts of separate rows add up: summed over sites they are those of the pooled rows.
    """
    D = table.shape[1]
    most = int(levels.max())
    seen = table >= 0
    cell = (np.arange(D) * most + table) * k + codes[:, None]
    return np.bincount(cell[seen], minlength=D * most * k).reshape(D, most, k)


def conditional(counts: Counts, levels: Codes, alpha: float) -> Floats:
    """p(x_j = v | c) with a Dirichlet prior of ``alpha`` a value, shape (D, most levels, k); zero beyond the levels."""
    real = np.arange(counts.shape[1])[:, None] < levels[:, None, None]
    return np.where(real, counts + alpha, 0.0) / (counts.sum(axis=1) + alpha * levels[:, None])[:, None, :]


def class_prior(codes: Codes, k: int, alpha: float) -> Floats:
    """p(c) with a Dirichlet prior of ``alpha`` a class, shape (k,)."""
    counts = np.bincount(codes, minlength=k).astype(np.float64)
    return (counts + alpha) / (len(codes) + alpha * k)


def mutual_information(counts: Counts) -> Floats:
    """I(X_j; C) in nats of each column over the rows where it is present, shape (D,)."""
    n = np.maximum(counts.sum(axis=(1, 2)), 1)
    joint = xlogx(counts).sum(axis=(1, 2))
    marginals = xlogx(counts.sum(axis=1)).sum(axis=1) + xlogx(counts.sum(axis=2)).sum(axis=1)
    return np.maximum((joint - marginals + xlogx(n)) / n, 0.0)


def one_hot(table: Table, levels: Codes) -> Floats:
    """One column for each value of each column of a table, shape (n, sum of levels); none is set for a missing cell."""
    owner = np.repeat(np.arange(len(levels)), levels)
    value = np.arange(len(owner)) - (np.cumsum(levels) - levels)[owner]
    return (table[:, owner] == value).astype(np.float64)


def pair_counts(table: Table, codes: Codes, levels: Codes, k: int) -> Iterator[npt.NDArray[np.float32]]:
    """For each class, how often each pair of values meets: shape (sum of levels, sum of levels)."""
    for c in range(k):
        # Counts in single precision are exact up to 2^24 rows.
        hot = one_hot(table[codes == c], levels).astype(np.float32)
        yield hot.T @ hot


def conditional_mutual_information(table: Table, codes: Codes, levels: Codes, k: int) -> Floats:
    """I(X_i; X_j | C) in nats for all pairs, shape (D, D), zero on the diagonal; over rows where both are present.

    It takes 4 (sum of levels)^2 bytes.
    """
    D = len(levels)
    starts = np.cumsum(levels) - levels
    total = np.zeros((D, D))
    rows = np.zeros((D, D))
    for joint in pair_counts(table, codes, levels, k):
        by_value = np.add.reduceat(joint, starts, axis=1)  # value of i, j present
        both = np.add.reduceat(by_value, starts, axis=0)
        one_sided = np.add.reduceat(xlogx(by_value), starts, axis=0)
        pairs = np.add.reduceat(np.add.reduceat(xlogx(joint), starts, axis=1), starts, axis=0)
        total += pairs - one_sided - one_sided.T + xlogx(both)
        rows += both
    np.fill_diagonal(total, 0.0)
    return np.maximum(total / np.maximum(rows, 1), 0.0)


def xlogx(counts: npt.NDArray[np.generic]) -> Floats:
    """k log k of whole numbers k, with 0 log 0 = 0, looked up: there are far fewer numbers than cells."""
    whole = counts.astype(np.int32)
    logs = np.arange(int(whole.max(initial=0)) + 1, dtype=np.float64)
    logs[1:] *= np.log(logs[1:])
    return logs[whole]


def posterior(log_joint: Floats) -> Floats:
    """Class probabilities from log p(c, x), rows of (n, k)."""
    proba = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)
