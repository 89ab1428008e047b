"""What each modality adds to a method's predictions: exact Shapley values over modalities, on probabilities."""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples

from .base import Labels, Method

Floats = npt.NDArray[np.float64]

MOST_MODALITIES = 5
"""Beyond this many modalities their coalitions, 2^M, are too many to predict for."""


def shapley_values(worths: Floats) -> Floats:
    """Shapley values (n, M) of n games of M players.

    phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! (v(S + m) - v(S)); Shapley 1953, A value for n-person
    games. They sum to v(all) - v(none).

    Parameters
    ----------
    worths: (2^M, n), v(S) at the place whose binary digits say who is in S, player 0 being the last digit.

    Raises
    ------
    ValueError: as many rows as no number of players has coalitions.
    """
    coalitions, n = worths.shape
    players = coalitions.bit_length() - 1
    if coalitions != 1 << players:
        raise ValueError(f"{coalitions} coalitions: M players have 2^M")
    places = np.arange(coalitions)
    sizes = np.array([place.bit_count() for place in range(coalitions)])
    values = np.zeros((n, players))
    for m in range(players):
        without = places[places & (1 << m) == 0]
        # |S|! (M - |S| - 1)! / M! = 1 / (M binom(M - 1, |S|))
        weights = np.array([1.0 / (players * comb(players - 1, size)) for size in sizes[without]])
        values[:, m] = weights @ (worths[without | (1 << m)] - worths[without])
    return values


def coalition_worths(method: Method, samples: Samples, y: Labels) -> Floats:
    """v(S), shape (2^M, n), in the order that ``shapley_values`` takes.

    v(S) of a row is the probability that a fitted method gives to its true class when it sees only those modalities in
    S that the row has. A class that training lacked has the probability 0. A modality that a row lacks adds nothing.
    """
    names = samples.names
    known = np.isin(y, method.classes_)
    column = np.searchsorted(method.classes_, np.where(known, y, method.classes_[0]))
    worths = np.zeros((1 << len(names), len(samples)))
    for place in range(len(worths)):
        hidden = [name for m, name in enumerate(names) if not place & (1 << m)]
        proba = method.predict_proba(samples.hide(hidden))
        worths[place] = np.where(known, proba[np.arange(len(y)), column], 0.0)
    return worths
