"""Trees of hidden states with evidence at every node: exact likelihoods and expected counts by messages.

A chain is the tree in which each node's parent is the node before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..vectors import Codes, Floats


@dataclass(frozen=True)
class Prior:
    """p(states) of each of k classes: ``start`` (k, S) at the root, ``tables`` (T, k, S, S) p(own | parent's).

    ``order`` lists the T nodes, parents before children; ``parents`` has each one's parent, -1 at the root, whose entry
    in ``tables`` is not used. A homogeneous chain repeats one table through ``numpy.broadcast_to``.
    Probabilities are positive, so that no evidence is impossible.
    """

    order: Sequence[int]
    parents: Sequence[int]
    start: Floats
    tables: Floats


@dataclass(frozen=True)
class Messages:
    """What the nodes tell upwards: ``log_likelihood`` (n,), ``below`` and ``up`` (T, n, S), scaled row by row.

    ``below[t]`` is p(evidence at and below t | state of t), ``up[t]`` p(the same | state of t's parent), on one scale.
    """

    log_likelihood: Floats
    below: Floats
    up: Floats


@dataclass(frozen=True)
class Expected:
    """Expected counts in each class, and every row's state probabilities.

    ``totals`` (T, k, S) of states, ``pairs`` (T, k, S, S) by parent's and own state, ``states`` (n, T, S).
    """

    totals: Floats
    pairs: Floats
    states: Floats


def upward(prior: Prior, logs: Floats, codes: Codes | int) -> Messages:
    """Messages from the leaves to the root, for log p(evidence at t | state) in ``logs`` (n, T, S).

    ``codes``: each row's class (n,), or one class for all rows.
    """
    top = logs.max(axis=2, keepdims=True)
    below = np.exp(logs - top).transpose(1, 0, 2).copy()
    up = np.ones_like(below)
    scales = np.ones(below.shape[:2])
    ones = np.ones(below.shape[2])
    for t in reversed(prior.order[1:]):
        if isinstance(codes, int):
            message = below[t] @ prior.tables[t, codes].T
        else:
            message = np.einsum("nps,ns->np", prior.tables[t][codes], below[t])
        # Long branches would underflow: the scale is kept apart. (A product is many times faster than a short sum.)
        scale = scales[t] = message @ ones
        below[t] /= scale[:, None]
        up[t] = message / scale[:, None]
        below[prior.parents[t]] *= up[t]
    root = prior.order[0]
    scales[root] = (prior.start[codes] * below[root]).sum(axis=1)
    return Messages(top[:, :, 0].sum(axis=1) + np.log(scales).sum(axis=0), below, up)


def downward(prior: Prior, messages: Messages, codes: Codes) -> Expected:
    """Expected counts of states and of pairs of neighbours given the evidence; ``codes``: each row's class (n,)."""
    below = messages.below
    states, above = np.empty_like(below), np.zeros_like(below)
    k = len(prior.start)
    root = prior.order[0]
    states[root] = normalised(prior.start[codes] * below[root])
    for t in prior.order[1:]:
        # p(own | parent's, evidence) = table * below / up: what lies elsewhere tells nothing more once the parent's
        # state is known.
        above[t] = states[prior.parents[t]] / messages.up[t]
        states[t] = np.einsum("np,nps->ns", above[t], prior.tables[t][codes]) * below[t]
    pairs = np.stack([above[:, codes == c].transpose(0, 2, 1) @ below[:, codes == c] for c in range(k)], axis=1)
    member = (codes[:, None] == np.arange(k)).astype(np.float64)
    return Expected(member.T @ states, pairs * prior.tables, states.transpose(1, 0, 2))


def hard_counts(parents: Sequence[int], states: Floats, codes: Codes, k: int) -> Expected:
    """The counts when the states (n, T, S) are known, as probabilities 0 and 1."""
    n, T, S = states.shape
    member = (codes[:, None] == np.arange(k)).astype(np.float64)
    by_node = states.transpose(1, 0, 2)
    pairs = np.zeros((T, k, S, S))
    for t, parent in enumerate(parents):
        if parent >= 0:
            joint = by_node[parent][:, :, None] * by_node[t][:, None, :]
            pairs[t] = (member.T @ joint.reshape(n, S * S)).reshape(k, S, S)
    return Expected(member.T @ by_node, pairs, states)


def normalised(values: Floats) -> Floats:
    """Divided by the sum over the last axis."""
    return values / values.sum(axis=-1, keepdims=True)
