"""SITE: the task ADD measured at several sites, each with a scanner and a share of the classes of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..samples import Modality, Samples
from ..splits import CrossValidation, LeaveOneSiteOut, Protocol, derived_seed
from ..task import Task
from .evidence import gaussian_evidence
from .options import check_between, check_choice, check_options
from .scores import prior_scores

card = TaskCard(
    name="site",
    title="Planted: sites differ",
    description=(
        "Evidence adds up over Gaussian modalities, as in the task add, but every site's scanner multiplies and shifts "
        "it, and class 1 is rarer at some sites than at others. Each site is left out once."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("The best scores are those of a rule that knows the scanners and the class shares of all sites.",),
)

PROTOCOLS = ("sites", "folds")


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5),
    strengths: Sequence[float] = (1.5, 1.5),
    prevalences: Sequence[float] = (0.3, 0.4, 0.6, 0.7),
    gain: float = 0.3,
    offset: float = 0.5,
    protocol: str = "sites",
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """Modality m at site s is g_sm x + o_sm, where x is N(+-d_m/2 u_m, I) for the two classes.

    ln g_sm is N(0, gain^2), o_sm is N(0, offset^2). With the site known both can be undone, and the best scores are
    those of Gaussian evidence at distance sqrt(sum_m d_m^2) under the site's class shares as prior.

    Parameters
    ----------
    n: rows, spread evenly over the sites.
    widths, strengths: columns and distance d_m between the class means before the scanner, one for each modality.
    prevalences: share of class 1 at each of at least two sites, above 0 and below 1.
    gain, offset: spread of the scanners; 0 for scanners that are alike.
    protocol: "sites" to leave one out at a time, "folds" for cross-validation over all.
    form: of all modalities, or one for each: table, signal, image, volume, roi or connectivity; a width is then the
        length of every axis, or the number of regions.
    seed: sites, labels, scanners, directions and noise.

    Returns
    -------
    The task, whose samples carry the sites. ``truth["gain"]`` and ``truth["offset"]`` are g and o, shape (n, M);
    ``truth["posterior"]`` is the true P(class 1 | row, site), shape (n,).

    Raises
    ------
    DataError: fewer than 20 rows or ten a site, fewer than two sites, lists of different lengths, values out of range.
    """
    widths, strengths = check_options("site", n, widths, strengths, seed, least=1)
    if isinstance(prevalences, str) or not isinstance(prevalences, Sequence | np.ndarray) or len(prevalences) < 2:
        raise DataError(f"task 'site': prevalences is {prevalences!r}; give one for each of at least two sites")
    for s, prevalence in enumerate(prevalences):
        check_between("site", f"prevalence {s + 1}", prevalence, 0.01, 0.99)
    sites = len(prevalences)
    if n < 10 * sites:
        raise DataError(f"task 'site': n is {n} for {sites} sites; give at least ten rows for each")
    check_between("site", "gain", gain, 0)
    check_between("site", "offset", offset, 0)
    check_choice("site", "protocol", protocol, PROTOCOLS)
    from scipy.special import expit, logit

    rng = np.random.default_rng(derived_seed("site", seed, "labels"))
    site = rng.permutation(np.arange(n) % sites)
    y = np.zeros(n, dtype=np.int64)
    for s, prevalence in enumerate(prevalences):
        rows = rng.permutation(np.flatnonzero(site == s))
        y[rows[: int(np.clip(round(prevalence * len(rows)), 1, len(rows) - 1))]] = 1
    shares = np.bincount(site, weights=y) / np.bincount(site)
    clean, odds = gaussian_evidence("site", np.repeat(y[:, None], len(widths), axis=1), widths, strengths, seed, form)
    scanners = np.random.default_rng(derived_seed("site", seed, "scanners"))
    modalities, gains, offsets = [], [], []
    for m in clean:
        gains.append(np.exp(gain * scanners.normal(size=sites)))
        offsets.append(offset * scanners.normal(size=sites))
        g, o = (column[-1][site].reshape(n, *[1] * (m.array.ndim - 1)) for column in (gains, offsets))
        modalities.append(Modality(m.name, m.kind, (g * m.values + o).astype(m.array.dtype)))
    names = np.array([f"site {s + 1}" for s in range(sites)])
    truth = {
        "posterior": expit(logit(shares)[site] + odds.sum(axis=1)),
        "gain": np.column_stack(gains)[site],
        "offset": np.column_stack(offsets)[site],
    }
    bayes = prior_scores(logit(shares), np.bincount(site) / n, float(np.linalg.norm(strengths)))
    split: Protocol = LeaveOneSiteOut() if protocol == "sites" else CrossValidation()
    return Task(Samples(modalities, sites=names[site]), y, ("0", "1"), card, split, bayes=bayes, truth=truth)
