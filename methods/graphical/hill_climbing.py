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

_CLIMBS = 12
"""Climbs from one start, of which the best counts. A move scored in one is not scored again in the others."""


def hill_climb(
    scores: FamilyScores, allowed: Flags, required: Flags, max_parents: int, tabu: int = 0, patience: int = 0
) -> tuple[Parents, ...]:
    """Each variable's parents in the best network found, which no single move improves.

    From the required edges alone, the best move is made again and again (Koller and Friedman 2009, section 18.4.3).
    Where none improves, the search goes on downhill for up to ``patience`` moves, and from any better network that it
    meets; the pairs of the last ``tabu`` moves rest unless a move beats all before. It does so a dozen times, and ties,
    such as the two directions of a first edge, are drawn each time anew, by a fixed seed: where a climb ends depends
    on them. The order of the rows decides nothing.

    Parameters
    ----------
    scores: what parents are worth, V variables.
    allowed, required: (V, V) by parent and child; required edges are allowed and make no cycle.
    max_parents: most parents of a variable; none gets more than required where more are required.
    """
    moves = _Moves(scores, allowed, max_parents)
    found = [_climb(_State(moves, required, max_parents), tabu, patience, seed) for seed in range(_CLIMBS)]
    best, _ = max(found, key=lambda result: result[1])
    return tuple(tuple(np.flatnonzero(column).tolist()) for column in best.T)


def _climb(state: _State, tabu: int, patience: int, seed: int) -> tuple[Flags, float]:
    """The edges of the best network met, and how far its score lies above that of the required edges."""
    draw = np.random.default_rng(seed)
    best, height, highest = state.edges.copy(), 0.0, 0.0
    rests = np.zeros(best.shape, dtype=np.intp)  # the step at which a pair may move again
    step = stale = 0
    while stale <= patience:
        rises = state.rises()
        rises[(rests > step) & (height + rises <= highest + _LEAST)] = -np.inf
        top = rises.max()
        if top == -np.inf or (stale == patience and height + top <= highest + _LEAST):
            break
        ties = np.argwhere(rises >= top - _LEAST)
        kind, a, b = (int(at) for at in ties[draw.integers(len(ties))])
        height += float(rises[kind, a, b])
        state.move(kind, a, b)
        step, stale = step + 1, stale + 1
        rests[[a, b], [b, a]] = step + tabu
        if height > highest + _LEAST:
            best, highest, stale = state.edges.copy(), height, 0
    return best, highest


class _Moves:
    """What a parent more, and a parent less, adds to the score of a child; each child with its parents once."""

    def __init__(self, scores: FamilyScores, allowed: Flags, max_parents: int) -> None:
        self._scores, self._allowed, self._most = scores, allowed, max_parents
        self._known: dict[tuple[int, Parents], tuple[Floats, Floats]] = {}

    def of(self, child: int, parents: Parents) -> tuple[Floats, Floats]:
        """Gains of each variable as a further parent, losses of each parent, (V,) both; -inf for all others."""
        key = (child, parents)
        if key not in self._known:
            now = self._scores.worth(child, parents)
            gains, losses = np.full((2, len(self._allowed)), -np.inf)
            if len(parents) < self._most:
                others = np.setdiff1d(np.flatnonzero(self._allowed[:, child]), parents)
                gains[others] = self._scores.with_each(child, parents, others) - now
            for p in parents:
                losses[p] = self._scores.worth(child, tuple(q for q in parents if q != p)) - now
            self._known[key] = gains, losses
        return self._known[key]


class _State:
    """A network on its way, with what every single move would add to its score."""

    def __init__(self, moves: _Moves, required: Flags, max_parents: int) -> None:
        self._moves, self._required, self._most = moves, required, max_parents
        self.edges = required.copy()
        self._reach = _closure(self.edges)
        self._gains, self._losses = np.empty((2, *required.shape))  # by parent and child
        for child in range(len(required)):
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
        parents = tuple(np.flatnonzero(self.edges[:, child]).tolist())
        self._gains[:, child], self._losses[:, child] = self._moves.of(child, parents)


def _closure(edges: Flags) -> Flags:
    """Which variables lie below which, at any distance."""
    reach = edges
    while True:
        further = reach | ((reach.astype(np.float32) @ reach.astype(np.float32)) > 0)
        if (further == reach).all():
            return further
        reach = further
