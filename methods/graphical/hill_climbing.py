"""Search for the network of the best score by single moves: add, delete or reverse an edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..vectors import Floats
from .network import Parents
from .scores import FamilyScores

Flags = npt.NDArray[np.bool_]

_LEAST = 1e-6
"""A smaller rise of the score is rounding, as between equivalent networks."""


def hill_climb(
    scores: FamilyScores, allowed: Flags, required: Flags, max_parents: int, tabu: int = 0, patience: int = 0
) -> tuple[Parents, ...]:
    """Each variable's parents in the best network found, which no single move improves.

    From the required edges alone, the best move is made again and again (Koller and Friedman 2009, section 18.4.3).
    Where none improves, the search goes on downhill for up to ``patience`` moves, and from any better network that it
    meets; the pairs of the last ``tabu`` moves rest unless a move beats all before. Ties go to adding before deleting
    before reversing, then to the earlier parent and child: the order of the rows decides nothing.

    Parameters
    ----------
    scores: what parents are worth, V variables.
    allowed, required: (V, V) by parent and child; required edges are allowed and make no cycle.
    max_parents: most parents of a variable; none gets more than required where more are required.
    """
    state = _State(scores, allowed, required, max_parents)
    best, height, highest = state.edges.copy(), 0.0, 0.0
    rests = np.zeros(allowed.shape, dtype=np.intp)  # the step at which a pair may move again
    step = stale = 0
    while stale <= patience:
        rises = state.rises()
        beaten = height + rises > highest + _LEAST
        rises[~beaten & (rests > step)] = -np.inf
        top = rises.max()
        if top == -np.inf or (stale == patience and height + top <= highest + _LEAST):
            break
        kind, a, b = (int(at) for at in np.argwhere(rises >= top - _LEAST)[0])
        height += float(rises[kind, a, b])
        state.move(kind, a, b)
        step, stale = step + 1, stale + 1
        rests[[a, b], [b, a]] = step + tabu
        if height > highest + _LEAST:
            best, highest, stale = state.edges.copy(), height, 0
    return tuple(tuple(np.flatnonzero(column).tolist()) for column in best.T)


class _State:
    """A network on its way, with what every single move would add to its score."""

    def __init__(self, scores: FamilyScores, allowed: Flags, required: Flags, max_parents: int) -> None:
        self._scores, self._allowed, self._required, self._most = scores, allowed, required, max_parents
        self.edges = required.copy()
        self._reach = _closure(self.edges)
        self._gains = np.full(allowed.shape, -np.inf)  # of a parent more, by (parent, child)
        self._losses = np.full(allowed.shape, -np.inf)  # of a parent less
        for child in range(len(allowed)):
            self._score(child)

    def rises(self) -> Floats:
        """What adding, deleting and reversing the edge a -> b add to the score: (3, V, V), -inf where not allowed."""
        room = self.edges.sum(axis=0) < self._most
        add = np.where(room & ~self._reach.T, self._gains, -np.inf)
        loose = self.edges & ~self._required
        delete = np.where(loose, self._losses, -np.inf)
        # Turned round, an edge must not close a cycle with another way from its start to its end.
        detour = self.edges.astype(np.float32) @ self._reach.astype(np.float32) > 0
        turn = loose & ~detour & room[:, None]
        reverse = np.where(turn, self._losses + self._gains.T, -np.inf)
        return np.stack([add, delete, reverse])

    def move(self, kind: int, a: int, b: int) -> None:
        """Add (0), delete (1) or reverse (2) the edge a -> b."""
        self.edges[a, b] = kind == 0
        if kind == 2:
            self.edges[b, a] = True
            self._score(a)
        self._score(b)
        if kind == 0:
            above, below = self._reach[:, a].copy(), self._reach[b].copy()
            above[a] = below[b] = True
            self._reach |= above[:, None] & below
        else:
            self._reach = _closure(self.edges)

    def _score(self, child: int) -> None:
        """Gains and losses of a variable whose parents have changed."""
        parents = tuple(np.flatnonzero(self.edges[:, child]).tolist())
        now = self._scores.worth(child, parents)
        self._gains[:, child] = self._losses[:, child] = -np.inf
        if len(parents) < self._most:
            others = np.flatnonzero(self._allowed[:, child] & ~self.edges[:, child])
            self._gains[others, child] = self._scores.with_each(child, parents, others) - now
        for p in parents:
            self._losses[p, child] = self._scores.worth(child, tuple(q for q in parents if q != p)) - now


def _closure(edges: Flags) -> Flags:
    """Which variables lie below which, at any distance."""
    reach = edges
    while True:
        further = reach | ((reach.astype(np.float32) @ reach.astype(np.float32)) > 0)
        if (further == reach).all():
            return further
        reach = further
