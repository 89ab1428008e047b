"""UNIQUE: one modality tells the label and the others are noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..samples import Samples
from ..task import Task
from .evidence import balanced_labels, gaussian_evidence
from .options import check_options, check_positive, check_whole, count
from .scores import gaussian_scores

card = TaskCard(
    name="unique",
    title="Planted: only one tells",
    description=(
        "One modality is Gaussian evidence for the class, all others are noise that has nothing to do with it. The "
        "best rule reads that modality alone."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Equal weights dilute the evidence: the best single modality is hard to beat here.",),
)


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5, 5),
    strength: float = 2.0,
    informative: int = 1,
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """One modality is N(+-d/2 u, I) for the two classes, with unit direction u and distance d; the others are N(0, I).

    The best accuracy is Phi(d/2), the best area under the ROC curve Phi(d/sqrt 2).

    Parameters
    ----------
    n: rows, half of them of each class.
    widths: columns of each modality.
    strength: distance d between the class means of the informative modality.
    informative: which modality that is, counted from 1.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: direction, noise and order of the labels.

    Returns
    -------
    The task. ``truth["posterior"]`` is the true P(class 1 | row), shape (n,), ``truth["alone"]`` that from one modality
    alone, shape (n, M), and ``truth["informative"]`` says which modality tells, shape (n, M).

    Raises
    ------
    DataError: fewer than 20 rows, no modality, values that are not positive, no such modality.
    """
    strength = check_positive("unique", "strength", strength)
    widths, _ = check_options("unique", n, widths, (strength,) * count(widths), seed, least=1)
    check_whole("unique", "informative", informative, 1, len(widths))
    from scipy.special import expit

    y = balanced_labels("unique", n, seed)
    tells = np.arange(len(widths)) == informative - 1
    bits = np.repeat(y[:, None], len(widths), axis=1)
    modalities, odds = gaussian_evidence("unique", bits, widths, strength * tells, seed, form)
    truth = {
        "posterior": expit(odds.sum(axis=1)),
        "alone": expit(odds),
        "informative": np.broadcast_to(tells, bits.shape),
    }
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=gaussian_scores(strength), truth=truth)
