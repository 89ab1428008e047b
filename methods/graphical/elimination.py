"""Variable elimination on tables that differ from row to row: sums of products, for a block of rows at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..vectors import Floats

Factor = tuple[list[int], Floats]
"""Variables, and their table for each row: shape (rows or 1, levels of each variable)."""

_OFTEN = 16
"""Factors multiplied between two rescalings: each is at most 1, and 16 of them do not underflow together."""


def elimination_order(families: Iterable[Sequence[int]], levels: Sequence[int], keep: int) -> dict[int, float]:
    """An order to eliminate all variables but one, smallest table first, with the numbers in each step's table.

    The rule is min-weight (Koller and Friedman 2009, section 9.4.3.2); ties go to the earlier variable.
    """
    near: list[set[int]] = [set() for _ in levels]
    for family in families:
        for v in family:
            near[v].update(family)
    for v, neighbours in enumerate(near):
        neighbours.discard(v)
    logs = [math.log(r) for r in levels]
    weights = np.array([logs[v] + sum(logs[u] for u in near[v]) for v in range(len(levels))])
    weights[keep] = np.inf
    order: dict[int, float] = {}
    for _ in range(len(levels) - 1):
        v = int(weights.argmin())
        order[v] = math.exp(weights[v])
        weights[v] = np.inf
        for u in near[v]:
            near[u] |= near[v]
            near[u] -= {u, v}
        for u in near[v] - {keep}:
            weights[u] = logs[u] + sum(logs[w] for w in near[u])
    return order


def log_sum(factors: Sequence[Factor], order: Iterable[int], keep: int) -> Floats:
    """Log of the product of all factors with the variables of ``order`` summed out one after another.

    ``keep``, the highest number of all, is the one variable that is left: shape (rows or 1, its levels or 1). Scales
    are kept apart as logarithms, by row and value of ``keep``, so that long networks do not underflow.
    """
    left = list(factors)
    log = np.zeros((1, 1))
    for v in order:
        touching = [f for f in left if v in f[0]]
        if touching:
            left = [f for f in left if v not in f[0]]
            variables, table, scale = _product(touching, keep)
            axis = variables.index(v)
            table, more = _rescaled(table.sum(axis=1 + axis), variables[-1] == keep)
            left.append((variables[:axis] + variables[axis + 1 :], table))
            log = log + scale + more
    for _, table in left:
        log = log + np.log(table.reshape(len(table), -1))
    return log


def _product(factors: Sequence[Factor], keep: int) -> tuple[list[int], Floats, Floats]:
    """Variables in increasing order, the product of the factors over them, and the log of what it was divided by."""
    variables = sorted({v for names, _ in factors for v in names})
    total = np.ones((1,) * (1 + len(variables)))
    log = np.zeros((1, 1))
    for i, (names, table) in enumerate(factors):
        order = np.argsort(names)
        shape = [1] * len(variables)
        for at in order:
            shape[variables.index(names[at])] = table.shape[1 + at]
        total = total * table.transpose(0, *(1 + order)).reshape(len(table), *shape)
        if i % _OFTEN == _OFTEN - 1:
            total, more = _rescaled(total, variables[-1] == keep)
            log = log + more
    return variables, total, log


def _rescaled(table: Floats, kept: bool) -> tuple[Floats, Floats]:
    """Each row, or each value of the kept variable, divided by its largest number; the number's log, (n, k or 1)."""
    largest = table.max(axis=tuple(range(1, table.ndim - kept)), keepdims=True)
    return table / largest, np.log(largest).reshape(len(table), -1)
