"""PHENO: who is near in age and of the same sex has the same label: phenotypes tell it, but along no straight line."""

from __future__ import annotations

import numpy as np

from ..card import TaskCard
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels, gaussian_evidence
from .options import check_between, check_positive, check_rows, check_whole
from .scores import prior_scores

card = TaskCard(
    name="pheno",
    title="Planted: neighbours agree",
    description=(
        "The odds of the class are a smooth wave along age, turned round for the other sex, so that subjects who are "
        "alike in phenotype have alike labels; a measure adds independent Gaussian evidence. The site tells nothing."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Neither age nor sex alone tells anything, nor does any linear rule of both.",),
)

YOUNGEST, OLDEST = 20.0, 80.0
SEXES = ("f", "m")

_GRID = 500


def load(
    n: int = 400,
    width: int = 5,
    strength: float = 1.5,
    smooth: float = 3.0,
    waves: int = 1,
    sites: int = 4,
    form: str = "table",
    seed: int = 0,
) -> Task:
    """Log-odds of class 1 before the measure: +-A sin(2 pi w t), with age t from 0 to 1 and the sign of the sex.

    The measure is N(+-d/2 u, I) for the two classes. Its log-odds add to those of the phenotype, and the best scores
    are those of Gaussian evidence under a known prior, averaged over age.

    Parameters
    ----------
    n: rows, half of them of each class.
    width, strength: columns of the measure and distance d between its class means.
    smooth: A, the largest log-odds that a phenotype gives; 0 for none.
    waves: w, how often the odds rise and fall along age.
    sites: how many sites the phenotype knows; they have nothing to do with the class.
    form: of the measure: table, signal, image, volume, roi or connectivity; the width is then the length of every axis,
        or the number of regions.
    seed: labels, phenotypes, direction and noise.

    Returns
    -------
    The task, with modalities ``measure`` and ``phenotype`` (age in years, sex, site).
    ``truth["posterior"]`` is the true P(class 1 | row), ``truth["prior"]`` that from the phenotype alone, shape (n,).

    Raises
    ------
    DataError: fewer than 20 rows, numbers that are no counts, a strength that is not positive, no such form.
    """
    check_rows("pheno", n, seed)
    for what, value, low in (("width", width, 1), ("waves", waves, 1), ("sites", sites, 1)):
        check_whole("pheno", what, value, low)
    check_positive("pheno", "strength", strength)
    check_between("pheno", "smooth", smooth, 0)
    from scipy.special import expit

    y = balanced_labels("pheno", n, seed)
    rng = np.random.default_rng(derived_seed("pheno", seed, "phenotypes"))
    t = rng.random(n)
    wave = smooth * np.sin(2 * np.pi * waves * t)
    # Men have the odds of the wave and women its negative, so that age is uniform in both classes, and sex follows from
    # age and class: P(man | t, class 1) = expit(wave) = P(woman | t, class 0).
    man = (rng.random(n) < expit(wave)) == (y == 1)
    site = rng.integers(0, sites, n)
    (shown,), odds = gaussian_evidence("pheno", y[:, None], (width,), (strength,), seed, form)
    measure = Modality("measure", shown.kind, shown.values)
    phenotype = Modality(
        "phenotype",
        "phenotype",
        np.column_stack([YOUNGEST + (OLDEST - YOUNGEST) * t, man, site]),
        features=("age", "sex", "site"),
        categories={"sex": SEXES, "site": tuple(f"site {i + 1}" for i in range(sites))},
    )
    prior = np.where(man, wave, -wave)
    truth = {"posterior": expit(prior + odds[:, 0]), "prior": expit(prior)}
    samples = Samples([measure, phenotype])
    return Task(samples, y, ("0", "1"), card, bayes=bayes_scores(strength, smooth), truth=truth)


def bayes_scores(strength: float, smooth: float) -> dict[str, float]:
    """Best achievable scores; whole waves make them independent of how many there are."""
    t = (np.arange(_GRID) + 0.5) / _GRID
    scores = prior_scores(smooth * np.sin(2 * np.pi * t), np.full(_GRID, 1 / _GRID), strength)
    # The classes mirror each other, so that both are recognised equally often.
    return {**scores, "balanced_accuracy": scores["accuracy"]}
