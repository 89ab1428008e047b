"""Where variables stand in a drawing: on a ring by modality, with the order that keeps linked ones close.

On a ring labels stand outside and never cover an edge, and it shows at a glance which modalities are linked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GAP = 0.7
"""Room between two groups, in places."""
_ROUNDS = 20


def ring(groups: Sequence[Sequence[str]], links: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """An angle in radians for each name, clockwise from the top, groups in the given order one after the other.

    Within a group names are swapped as long as that shortens the chords of the links, weighed by their strength.
    """
    groups = [list(group) for group in groups if group]
    order = [list(group) for group in groups]
    gap = _GAP if len(order) > 1 else 0.0
    places = sum(map(len, order)) + gap * len(order)
    names = [name for group in order for name in group]
    starts = np.cumsum([0.0, *(len(group) + gap for group in order)])
    slots = [start + gap / 2 + np.arange(len(group)) for start, group in zip(starts, order, strict=False)]
    turned = (len(order[0]) + gap) / 2 - 0.5 if len(order) > 2 else 0.0  # the first of three or more groups on top
    angles = np.pi / 2 - 2 * np.pi * ((np.concatenate(slots) if slots else np.empty(0)) - turned) / max(places, 1)
    spots = np.column_stack([np.cos(angles), np.sin(angles)])
    far = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    index = {name: i for i, name in enumerate(names)}
    pull = np.zeros((len(names), len(names)))
    for (a, b), strength in links.items():
        if a in index and b in index:
            pull[index[a], index[b]] = pull[index[b], index[a]] = strength
    at = np.arange(len(names))  # at[i]: the place of name i
    swaps = [pair for group in groups for pair in combinations([index[name] for name in group], 2)]
    for _ in range(_ROUNDS):
        better = False
        for i, j in swaps:
            now = pull[i] @ far[at[i], at] + pull[j] @ far[at[j], at]
            trial = at.copy()
            trial[i], trial[j] = at[j], at[i]
            then = pull[i] @ far[trial[i], trial] + pull[j] @ far[trial[j], trial]
            if then < now - 1e-9:
                at, better = trial, True
        if not better:
            break
    return {name: float(angles[at[i]]) for name, i in index.items()}


def spot(angle: float, radius: float = 1.0) -> tuple[float, float]:
    """The point at an angle and a distance from the middle."""
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def middle(angles: Sequence[float]) -> float:
    """The mean direction of angles."""
    return float(np.arctan2(np.sin(angles).sum(), np.cos(angles).sum()))
