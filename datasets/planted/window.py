"""WINDOW: the label is the order of two states in a signal: no moment in time, and no mean over it, tells it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .options import check_options, check_whole
from .scores import drawn_scores

card = TaskCard(
    name="window",
    title="Planted: order in time",
    description=(
        "Each modality is a signal that passes from one hidden state to another at a moment of its own, in Gaussian "
        "noise, and the class is the order of the two states. A mean over time cannot beat chance."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Early values set against late ones tell much of it: the mean over all time is what tells nothing.",),
)

LEAST_LENGTH = 8
_DRAWS = 50_000

Floats = npt.NDArray[np.float64]


def load(
    n: int = 300,
    length: int = 32,
    widths: Sequence[int] = (2, 2),
    strengths: Sequence[float] = (0.5, 0.5),
    seed: int = 0,
) -> Task:
    """Signal m at time t is N(s_t d_m/2 u_m, I), with s_t = 1 before its moment of change and -1 from then on.

    Class 1 has the signs turned round. The moments are independent of each other and uniform over the whole numbers
    from length // 4 to length - length // 4, which makes the mean over time alike in both classes.

    Parameters
    ----------
    n: rows, half of them of each class.
    length: times of every signal.
    widths, strengths: channels and distance d_m between the two states' means, for each modality.
    seed: directions u_m, labels, moments and noise.

    Returns
    -------
    The task, signals of shape (n, channels, length); ``truth["posterior"]`` is the true P(class 1 | row), shape (n,),
    and ``truth["change"]`` the moments, shape (n, M). ``bayes`` is the mean of what the true posterior scores over
    50,000 further draws, so that its standard error is below 0.002.

    Raises
    ------
    DataError: fewer than 20 rows or 8 times, no modality, lists of different lengths, values that are not positive.
    """
    widths, strengths = check_options("window", n, widths, strengths, seed, least=1)
    check_whole("window", "length", length, LEAST_LENGTH)
    y = balanced_labels("window", n, seed)
    moments = np.random.default_rng(derived_seed("window", seed, "moments"))
    directions = np.random.default_rng(derived_seed("window", seed, "directions"))
    noise = np.random.default_rng(derived_seed("window", seed, "noise"))
    signals, changes, odds = [], [], np.zeros(n)
    for m, (width, strength) in enumerate(zip(widths, strengths, strict=True)):
        direction = directions.normal(size=width)
        direction /= np.linalg.norm(direction)
        change = moments.integers(length // 4, length - length // 4 + 1, size=n)
        signs = signs_until(change, length) * (1 - 2 * y[:, None])
        x = noise.normal(size=(n, width, length)) + 0.5 * strength * direction[:, None] * signs[:, None, :]
        odds += class_odds(strength * np.einsum("nct,c->nt", x, direction))
        signals.append(Modality(f"m{m + 1}", "signal", x))
        changes.append(change)
    truth = {"posterior": 1.0 / (1.0 + np.exp(-odds)), "change": np.column_stack(changes)}
    return Task(Samples(signals), y, ("0", "1"), card, bayes=dict(bayes_scores(length, strengths)), truth=truth)


def class_odds(state_odds: Floats) -> Floats:
    """Log-odds of class 1 (n,), from those of the first state at every time (n, length): sums over all moments."""
    length = state_odds.shape[1]
    before = np.cumsum(state_odds, axis=1)
    # Sum of the signs times half the odds, for a change at each moment; class 1 is its negative.
    paths = before[:, length // 4 - 1 : length - length // 4] - 0.5 * before[:, -1:]
    return np.logaddexp.reduce(-paths, axis=1) - np.logaddexp.reduce(paths, axis=1)


@lru_cache(maxsize=16)
def bayes_scores(length: int, strengths: tuple[float, ...]) -> dict[str, float]:
    """What the true posterior scores, as a mean over draws: accuracy, balanced accuracy, log-loss and Brier score.

    A signal counts through its odds of the first state alone, which are N(s_t d^2 / 2, d^2) at time t.
    """
    rng = np.random.default_rng(derived_seed("window", "bayes", length, strengths))
    odds = np.zeros(_DRAWS)
    for d in strengths:
        signs = signs_until(rng.integers(length // 4, length - length // 4 + 1, size=_DRAWS), length)
        odds += class_odds(d * rng.normal(size=signs.shape) + 0.5 * d**2 * signs)
    return drawn_scores(odds)


def signs_until(change: npt.NDArray[np.int64], length: int) -> Floats:
    """1 before the moment of change, -1 from then on, (n, length)."""
    return np.where(np.arange(length) < change[:, None], 1.0, -1.0)
