"""LAG: signals of one event that are not at the same time."""

from __future__ import annotations

from collections.abc import Sequence

from ..card import TaskCard
from ..errors import DataError
from ..task import Task
from .options import check_between, check_strengths, check_whole
from .pulses import LEAST_WIDTH, displaced_pulses

card = TaskCard(
    name="lag",
    title="Planted: late or early signals",
    description=(
        "Every signal shows two pulses in Gaussian noise, and the class is which of them is larger. In all signals but "
        "the first they come late or early by a lag that differs from row to row."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Lags wrap around the ends of the signal.",),
)


def load(
    n: int = 300,
    length: int = 48,
    lag: int = 4,
    landmark: float = 4.0,
    width: float = 1.5,
    strengths: Sequence[float] = (1.5, 2.5),
    seed: int = 0,
) -> Task:
    """Signal m is N(0, I) plus two Gaussian pulses, at a quarter and at three quarters of the time, moved by its lag.

    Both pulses have a common part, alike in all rows, by which the lag can be seen; in class 1 the first is larger and
    in class 0 the second.

    Parameters
    ----------
    n: rows, half of them of each class.
    length: times of every signal, an even number.
    lag: the largest lag to either side, below a quarter of the length; 0 for signals that are aligned.
    landmark: norm of the common part; 0 for none.
    width: standard deviation of a pulse, in times; from 0.25 to an eighth of the length.
    strengths: distance d_m between the class means of a signal at a known lag, one for each.
    seed: labels, lags and noise.

    Returns
    -------
    The task, signals of shape (n, 1, length) in float32. ``truth["displacement"]`` is the lag, (n, M, 1), 0 for the
    first signal; ``truth["posterior"]`` is the true P(class 1 | row) and ``truth["aligned_posterior"]`` that for known
    lags, both of shape (n,). ``bayes["accuracy_aligned"]`` is the best accuracy where lags are known, Phi(s/2) with
    s^2 = sum_m d_m^2; the other scores are means over 20,000 draws, with standard errors below 0.003.

    Raises
    ------
    DataError: fewer than 20 rows or 16 times, an odd length, a lag out of range, values that are not positive.
    """
    check_whole("lag", "length", length, 16)
    if length % 2:
        raise DataError(f"task 'lag': length is {length}; give an even number, so that pulses lie half of it apart")
    check_whole("lag", "lag", lag, 0, (length - 1) // 4)
    check_between("lag", "landmark", landmark, 0)
    check_between("lag", "width", width, LEAST_WIDTH, length / 8)
    strengths = check_strengths("lag", n, strengths, seed, least=1)
    return displaced_pulses(card, n, "signal", (length,), lag, landmark, width, strengths, seed)
