"""NOISEMOD: modalities that tell the label, and one beside them that is noise alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..samples import Samples
from ..task import Task
from .evidence import balanced_labels, gaussian_evidence
from .options import check_options, check_whole
from .scores import gaussian_scores

card = TaskCard(
    name="noisemod",
    title="Planted: one modality is noise",
    description=(
        "Evidence adds up over the first modalities, as in the task add, and the last and widest modality is pure "
        "noise. The best rule gives it no weight."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("The noise is the wider the more it costs a method that cannot leave it out.",),
)


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5),
    strengths: Sequence[float] = (1.5, 1.5),
    noise_width: int = 20,
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """Informative modality m is N(+-d_m/2 u_m, I) for the two classes; one more, the last, is N(0, I) in both.

    With s^2 = sum_m d_m^2 the best accuracy is Phi(s/2), the best area under the ROC curve Phi(s/sqrt 2).

    Parameters
    ----------
    n: rows, half of them of each class.
    widths, strengths: columns and distance d_m between the class means, for each informative modality.
    noise_width: columns of the modality that is noise.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: directions, noise and order of the labels.

    Returns
    -------
    The task. ``truth["posterior"]`` is the true P(class 1 | row), shape (n,), ``truth["alone"]`` that from one modality
    alone, shape (n, M + 1), and ``truth["informative"]`` says which modalities tell, shape (n, M + 1).

    Raises
    ------
    DataError: fewer than 20 rows, no informative modality, lists of different lengths, values that are not positive.
    """
    widths, strengths = check_options("noisemod", n, widths, strengths, seed, least=1)
    check_whole("noisemod", "noise_width", noise_width, 1)
    from scipy.special import expit

    y = balanced_labels("noisemod", n, seed)
    bits = np.repeat(y[:, None], len(widths) + 1, axis=1)
    modalities, odds = gaussian_evidence("noisemod", bits, (*widths, noise_width), (*strengths, 0.0), seed, form)
    truth = {
        "posterior": expit(odds.sum(axis=1)),
        "alone": expit(odds),
        "informative": np.broadcast_to(np.arange(len(widths) + 1) < len(widths), bits.shape),
    }
    bayes = gaussian_scores(float(np.linalg.norm(strengths)))
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes, truth=truth)
