"""ADD: conditionally independent Gaussian evidence in every modality, with its Bayes scores in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..samples import Samples
from ..task import Task
from .evidence import balanced_labels, gaussian_evidence
from .options import check_options
from .scores import gaussian_scores

card = TaskCard(
    name="add",
    title="Planted: evidence adds up",
    description=(
        "Two equally frequent classes. Each modality is Gaussian with unit covariance and its mean moves along one "
        "direction with the class; given the class the modalities are independent, so the best rule adds log-odds."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Late fusion, early fusion and a linear classifier on the concatenation can all be optimal here.",),
)


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5, 5),
    strengths: Sequence[float] = (1.0, 1.0, 1.0),
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """Modality m is N(+-d_m/2 u_m, I) for the two classes, with unit direction u_m and distance d_m.

    With s^2 = sum_m d_m^2 the log-odds are N(+-s^2/2, s^2): the best accuracy is Phi(s/2), the best area under the ROC
    curve Phi(s/sqrt 2); log-loss and Brier score (summed over both classes) are integrals over that normal density.

    Parameters
    ----------
    n: rows, half of them of each class.
    widths, strengths: columns and distance d_m between the class means, one for each modality.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: directions, noise and order of the labels.

    Returns
    -------
    The task; ``truth["posterior"]`` is the true P(class 1 | row), shape (n,), ``truth["odds"]`` the log-odds of class 1
    that each modality gives, shape (n, M).

    Raises
    ------
    DataError: fewer than 20 rows, lists of different lengths, values that are not positive numbers, no such form.
    """
    widths, strengths = check_options("add", n, widths, strengths, seed, least=1)
    y = balanced_labels("add", n, seed)
    bits = np.repeat(y[:, None], len(widths), axis=1)
    modalities, odds = gaussian_evidence("add", bits, widths, strengths, seed, form)
    from scipy.special import expit

    truth = {"posterior": expit(odds.sum(axis=1)), "odds": odds}
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes_scores(strengths), truth=truth)


def bayes_scores(strengths: Sequence[float]) -> dict[str, float]:
    """Best achievable accuracy, area under the ROC curve, log-loss (nats) and Brier score for distances d_m."""
    return gaussian_scores(float(np.sqrt(np.square(strengths).sum())))
