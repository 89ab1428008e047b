"""XOR: the label is the parity of one hidden bit a modality, so that no modality alone tells anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..samples import Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import gaussian_evidence
from .options import check_options

card = TaskCard(
    name="xor",
    title="Planted: only together",
    description=(
        "Each modality shows one hidden bit in Gaussian noise, and the class is the parity of the bits. No single "
        "modality, and no weighted mean of decisions taken modality by modality, can beat chance."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Only a rule that lets modalities interact can solve it.",),
)


def load(
    n: int = 400,
    widths: Sequence[int] = (4, 4),
    strengths: Sequence[float] = (4.0, 4.0),
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """Modality m is N(+-d_m/2 u_m, I) for the two values of its bit; the label is the bits' sum modulo 2.

    A bit is decoded with error e_m = Phi(-d_m/2), and the parity is right when an even number of bits is wrong: the
    best accuracy is (1 + prod_m (1 - 2 e_m)) / 2.

    Parameters
    ----------
    n: rows, spread evenly over all 2^M combinations of bits.
    widths, strengths: columns and distance d_m between the two means, one for each of at least two modalities.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: directions, noise and order of the bits.

    Returns
    -------
    The task; ``truth["bits"]`` has shape (n, M), ``truth["posterior"]`` is the true P(class 1 | row), shape (n,), and
    ``truth["odds"]`` the log-odds of each bit given its modality, shape (n, M).

    Raises
    ------
    DataError: fewer than 20 rows, fewer than two modalities, lists of different lengths, values that are not positive.
    """
    widths, strengths = check_options("xor", n, widths, strengths, seed, least=2)
    cell = np.random.default_rng(derived_seed("xor", seed, "bits")).permutation(np.arange(n) % 2 ** len(widths))
    bits = (cell[:, None] >> np.arange(len(widths))) & 1
    modalities, odds = gaussian_evidence("xor", bits, widths, strengths, seed, form)
    truth = {"bits": bits, "posterior": parity_posterior(odds), "odds": odds}
    return Task(Samples(modalities), bits.sum(axis=1) % 2, ("0", "1"), card, bayes=bayes_scores(strengths), truth=truth)


def parity_posterior(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P(the sum of the bits is odd), (n,), for independent bits with these log-odds, (n, M)."""
    # E[(-1)^bit | x] = -tanh(odds / 2), and the sign of the parity is the product of the signs of independent bits.
    return (1 - np.prod(-np.tanh(odds / 2), axis=1)) / 2


def bayes_scores(strengths: Sequence[float]) -> dict[str, float]:
    """Best achievable accuracy for distances d_m; the classes are equally frequent, so balanced accuracy too."""
    from scipy.special import ndtr

    accuracy = float((1 + np.prod(1 - 2 * ndtr(-np.asarray(strengths, dtype=np.float64) / 2))) / 2)
    return {"accuracy": accuracy, "balanced_accuracy": accuracy}
