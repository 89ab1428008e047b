"""REDUND: every modality shows the same bit, often but not always the label, so that a second one adds little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..samples import Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels, gaussian_evidence
from .options import check_between, check_options
from .scores import gaussian_scores

card = TaskCard(
    name="redund",
    title="Planted: the same everywhere",
    description=(
        "Every modality shows one and the same hidden bit, clearly, and the bit is the class in four rows of five. Any "
        "modality alone is as good as all; a rule that adds up evidence as if it were independent is overconfident."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("What to look at is calibration: the accuracy of all sensible methods is the same.",),
)


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5, 5),
    strengths: Sequence[float] = (5.0, 5.0, 5.0),
    flips: float = 0.2,
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """Modality m is N(+-d_m/2 u_m, I) for the two values of a bit, which is not the label with chance ``flips``.

    With s^2 = sum_m d_m^2 the best accuracy is f + (1 - 2 f) Phi(s/2), and f + (1 - 2 f) Phi(d_m/2) from one modality.

    Parameters
    ----------
    n: rows, half of them of each class.
    widths, strengths: columns and distance d_m between the two means, one for each modality.
    flips: f, share of rows whose bit is not the label, at most 1/2.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: labels, flips, directions and noise.

    Returns
    -------
    The task. ``truth["bit"]`` is the bit, shape (n,); ``truth["posterior"]`` the true P(class 1 | row), shape (n,), and
    ``truth["alone"]`` that from one modality alone, shape (n, M).

    Raises
    ------
    DataError: fewer than 20 rows, lists of different lengths, values out of their range.
    """
    widths, strengths = check_options("redund", n, widths, strengths, seed, least=1)
    flips = check_between("redund", "flips", flips, 0, 0.5)
    from scipy.special import expit

    y = balanced_labels("redund", n, seed)
    bit = y ^ (np.random.default_rng(derived_seed("redund", seed, "flips")).random(n) < flips)
    bits = np.repeat(bit[:, None], len(widths), axis=1)
    modalities, odds = gaussian_evidence("redund", bits, widths, strengths, seed, form)
    truth = {
        "bit": bit,
        "posterior": flips + (1 - 2 * flips) * expit(odds.sum(axis=1)),
        "alone": flips + (1 - 2 * flips) * expit(odds),
    }
    bayes = gaussian_scores(float(np.linalg.norm(strengths)), flips)
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes, truth=truth)
