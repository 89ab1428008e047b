"""WINDOW over connectivity: the label is the order of two states that differ in their covariance alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..card import TaskCard
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .options import check_choice, check_positive, check_rows, check_whole
from .scores import Floats, drawn_scores
from .window import class_odds, signs_until

card = TaskCard(
    name="window-connectivity",
    title="Planted: order of connectivity states",
    description=(
        "Regions fluctuate around zero in two networks, one after the other: while one network is active, its regions "
        "move together. The class is which comes first. Neither a mean nor the connectivity over all time can "
        "beat chance."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("The state changes between windows only, so that the connectivities of the windows lose nothing.",),
)

FORMS = ("connectivity", "signal")

_DRAWS = 50_000


def load(
    n: int = 300,
    form: str = "connectivity",
    regions: int = 10,
    windows: int = 4,
    length: int = 16,
    strength: float = 0.5,
    seed: int = 0,
) -> Task:
    """Series are N(0, I + c a a') at every time of the first state and N(0, I + c b b') of the second.

    a and b are orthogonal unit vectors; class 1 has the states turned round. The change comes before window q, uniform
    from windows // 4 to windows - windows // 4 (counted from 0), which makes the connectivity over all time alike in
    both classes. Given the states, the products x x' summed over a window are sufficient, so that both forms have the
    same Bayes scores: the log-odds of the first state are c / (2 (1 + c)) sum_t ((a'x_t)^2 - (b'x_t)^2).

    Parameters
    ----------
    n: rows, half of them of each class.
    form: "connectivity" for one matrix a window, "signal" for the series.
    regions: R.
    windows, length: number of windows, and times in each.
    strength: c, how much the variance along a state's network exceeds 1.
    seed: networks, labels, moments and noise.

    Returns
    -------
    The task. With connectivity the modalities are ``w1``, ``w2`` and so on in order of time, each the mean of x x' over
    its window, (n, R, R); with signals there is one, ``series``, (n, R, windows * length). ``truth["states"]`` is the
    state of every window, 0 for a and 1 for b, (n, windows); ``truth["posterior"]`` the true P(class 1 | row), (n,).
    ``bayes`` is the mean of what the true posterior scores over 50,000 further draws.

    Raises
    ------
    DataError: fewer than 20 rows, another form, fewer than 2 regions or 4 windows, values that are not positive.
    """
    check_rows("window-connectivity", n, seed)
    check_choice("window-connectivity", "form", form, FORMS)
    for what, value, low in (("regions", regions, 2), ("windows", windows, 4), ("length", length, 1)):
        check_whole("window-connectivity", what, value, low)
    strength = check_positive("window-connectivity", "strength", strength)
    from scipy.special import expit

    y = balanced_labels("window-connectivity", n, seed)
    directions = np.random.default_rng(derived_seed("window-connectivity", seed, "networks"))
    networks = np.linalg.qr(directions.normal(size=(regions, 2)))[0].T
    moments = np.random.default_rng(derived_seed("window-connectivity", seed, "moments"))
    change = moments.integers(windows // 4, windows - windows // 4 + 1, size=n)
    states = (signs_until(change, windows) * (1 - 2 * y[:, None]) < 0).astype(np.int64)
    noise = np.random.default_rng(derived_seed("window-connectivity", seed, "noise"))
    x = noise.normal(size=(n, windows, regions, length))
    # Adding (sqrt(1 + c) - 1) of its own share along the active network makes the covariance I + c a a'.
    active = networks[states]
    along = np.einsum("nwr,nwrt->nwt", active, x)
    x += (np.sqrt(1 + strength) - 1) * active[..., None] * along[:, :, None, :]
    energy = np.square(np.einsum("kr,nwrt->nwkt", networks, x)).sum(axis=-1)
    odds = class_odds(_state_odds(energy[..., 0], energy[..., 1], strength))
    if form == "signal":
        series = x.transpose(0, 2, 1, 3).reshape(n, regions, windows * length)
        modalities = [Modality("series", "signal", series)]
    else:
        products = np.einsum("nwrt,nwst->wnrs", x, x) / length
        modalities = [Modality(f"w{w + 1}", "connectivity", one) for w, one in enumerate(products)]
    truth = {"posterior": expit(odds), "states": states}
    return Task(
        Samples(modalities), y, ("0", "1"), card, bayes=dict(bayes_scores(windows, length, strength)), truth=truth
    )


@lru_cache(maxsize=16)
def bayes_scores(windows: int, length: int, strength: float) -> dict[str, float]:
    """What the true posterior scores, as a mean over draws; energies along the networks are scaled chi-squares."""
    rng = np.random.default_rng(derived_seed("window-connectivity", "bayes", windows, length, strength))
    change = rng.integers(windows // 4, windows - windows // 4 + 1, size=_DRAWS)
    first = signs_until(change, windows) > 0
    along_a, along_b = rng.chisquare(length, size=(2, _DRAWS, windows))
    odds = _state_odds(np.where(first, 1 + strength, 1) * along_a, np.where(first, 1, 1 + strength) * along_b, strength)
    return drawn_scores(class_odds(odds))


def _state_odds(along_a: Floats, along_b: Floats, strength: float) -> Floats:
    """Log-odds that a window is in the first state, from the energies along both networks."""
    return strength / (2 * (1 + strength)) * (along_a - along_b)
