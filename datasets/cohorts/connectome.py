"""Connectome cohort: series of regions that switch state, their correlation, tracts, morphometry and phenotype."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..errors import DataError
from ..planted.evidence import balanced_labels
from ..planted.options import check_between, check_choice, check_options, check_rows, check_whole
from ..planted.scores import gaussian_scores
from ..samples import Modality, Samples
from ..splits import CrossValidation, LeaveOneSiteOut, Protocol, derived_seed
from ..task import Task
from .phenotype import phenotype

card = TaskCard(
    name="connectome-cohort",
    title="Simulated: connectomes of function, structure and morphometry",
    description=(
        "Resting-state series of brain regions that switch between two states, each with networks of its own that "
        "differ from subject to subject; their Pearson correlation, tract strengths, morphometry and phenotype. In "
        "patients a few regions are coupled less, have weaker tracts between them, and are thinner and smaller."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="a disorder of connectivity (simulated)",
    planted=True,
    caveats=(
        "The best scores are bounds: those of a rule that knows the scanners and reads the functional coupling without "
        "error. Series of finite length keep every rule below them.",
        "The functional connectivity is computed from the series and holds nothing that they do not.",
        "At the default settings the best accuracy lies between 0.847, which an observer of the arrays alone attains, "
        "and 0.871.",
    ),
)

CLASSES = ("control", "patient")
PROTOCOLS = ("folds", "sites")
MORPHOMETRY = ("thickness_mm", "area_cm2", "volume_cm3")
"""The values of a region in modality ``morphometry``, in their order."""

NETWORKS = 4
STATES = 2

_AUTOCORRELATION = 0.4  # of series, from one time to the next
_LOADING_SD = 0.2  # between subjects
_COUPLING = 1.0  # variance that the planted regions share at a burden of 0
_COUPLING_PER_BURDEN = 0.5
_SERIES_NOISE = 0.5  # largest standard deviation that a scanner adds
_TRACT_SD = 0.4
_MORPHOMETRY_MEAN = np.array([2.6, 7.0, 2.0])
_MORPHOMETRY_SD = np.array([0.2, 1.2, 0.4])
_YOUNGEST, _OLDEST = 20.0, 70.0
_AGEING = 0.02  # standard deviations of morphometry that are lost in a year

Floats = npt.NDArray[np.float64]


def load(
    n: int = 240,
    regions: int = 20,
    length: int = 200,
    k: int = 5,
    strengths: Sequence[float] = (1.5, 1.2, 1.2),
    dwell: float = 20.0,
    sites: int = 4,
    spread: float = 0.5,
    protocol: str = "folds",
    seed: int = 0,
) -> Task:
    """Function, tracts and morphometry each give Gaussian evidence, d_1, d_2 and d_3 between the class means.

    A functional burden b is N(-+d_1/2, 1) for controls and patients. At a time of state s the regions of subject i have
    the covariance I + A_si A_si' + exp(-b_i / 2) p p', where p marks the k planted regions; A_si loads each region on
    one of four networks of the state, plus N(0, 0.2^2). Series have an autocorrelation of 0.4, and the state changes
    with probability 1 / dwell from one time to the next.

    Logarithms of tract strengths are Gaussian with a mean that falls with distance, and with means that are d_2
    standard deviations apart along the edges among planted regions; so is morphometry, d_3 along the planted regions.
    Age lowers morphometry but has nothing to do with the diagnosis. Every site's scanner multiplies the series, adds
    white noise to them, and shifts tracts and morphometry.

    With b known the log-odds of patient are N(+-D^2/2, D^2), D^2 = d_1^2 + d_2^2 + d_3^2. The series depend on the
    diagnosis through b alone, so that the closed-form scores at distance D bound what any rule can reach, and
    ``bayes`` holds them. A rule that knows regions and scanners comes within 0.04 of the best accuracy.

    Parameters
    ----------
    n: subjects, half of them patients.
    regions: R, at least 8.
    length: times of the series, from 16 to 512.
    k: planted regions, at least 2 and fewer than all.
    strengths: d_1, d_2 and d_3.
    dwell: mean time between changes of state, at least 2.
    sites: scanners; they have nothing to do with the diagnosis.
    spread: how far scanners lie apart: of ln(gain) of the series, and of shifts in standard deviations.
    protocol: "folds" for cross-validation, "sites" to leave one site out at a time.
    seed: everything that is drawn.

    Returns
    -------
    The task, with modalities ``series`` (n, R, length), ``functional`` (n, R, R), the Pearson correlation of the
    series, ``structural`` (n, R, R), logarithms of tract strengths with zeros on the diagonal, ``morphometry``
    (n, R, 3) and ``phenotype`` (site, sex, age). In ``truth``:

    ``regions`` (n, R) and ``edges`` (n, R, R), planted, alike in all rows; ``burden`` (n,); ``posterior`` (n,), the
    true P(patient) given burden, tracts and morphometry; ``states`` (n, length); ``covariance`` (n, 2, R, R) of both
    states before the scanner; ``gain`` and ``noise`` (n,) of the series, ``shift`` (n, 2) of tracts and morphometry in
    standard deviations.

    Raises
    ------
    DataError: fewer than 20 subjects or ten a site, not three strengths, values out of range.
    """
    d = _check(n, regions, length, k, strengths, sites, seed)
    check_between(card.name, "dwell", dwell, 2)
    check_between(card.name, "spread", spread, 0, 2)
    check_choice(card.name, "protocol", protocol, PROTOCOLS)
    from scipy.special import expit

    y = balanced_labels(card.name, n, seed)
    sign = y - 0.5
    tells = np.zeros(regions, dtype=bool)
    tells[_rng(seed, "planted regions").choice(regions, k, replace=False)] = True
    edges = np.outer(tells, tells) & ~np.eye(regions, dtype=bool)

    site = _rng(seed, "sites").permutation(np.arange(n) % sites)
    scanner = _rng(seed, "scanners")
    gain = np.exp(spread * scanner.normal(size=sites))[site]
    noise = scanner.uniform(0, _SERIES_NOISE, size=sites)[site]
    shift = (spread * scanner.normal(size=(sites, 2)))[site]
    age = _rng(seed, "ages").uniform(_YOUNGEST, _OLDEST, size=n)
    sex = _rng(seed, "sexes").integers(0, 2, size=n)

    burden = d[0] * sign + _rng(seed, "burdens").normal(size=n)
    states = state_sequences(n, length, dwell, _rng(seed, "states"))
    coupling = _COUPLING * np.exp(-_COUPLING_PER_BURDEN * burden)
    loadings = _loadings(n, regions, tells, coupling, seed)
    series = _series(loadings, states, _rng(seed, "series"))
    series += noise[:, None, None] * _rng(seed, "series noise").normal(size=series.shape)
    series *= gain[:, None, None]

    first, second = np.triu_indices(regions, 1)
    along = -(edges[first, second] / np.sqrt(k * (k - 1) / 2))
    tracts = _rng(seed, "tracts").normal(size=(n, len(first))) + d[1] * np.outer(sign, along)
    thin = -np.repeat(tells[:, None] / np.sqrt(3 * k), 3, axis=1)
    shapes = _rng(seed, "shapes").normal(size=(n, regions, 3)) + d[2] * sign[:, None, None] * thin
    odds = d[0] * burden + d[1] * tracts @ along + d[2] * np.einsum("nrf,rf->n", shapes, thin)

    structural = np.zeros((n, regions, regions))
    mean = 5.0 - _distances(regions, seed)[first, second] / 25.0
    structural[:, first, second] = mean + _TRACT_SD * (tracts + shift[:, :1])
    structural += structural.transpose(0, 2, 1)
    shapes += (shift[:, 1] - _AGEING * (age - (_YOUNGEST + _OLDEST) / 2))[:, None, None]
    size = 1 + 0.15 * _rng(seed, "sizes").normal(size=(regions, 1))
    names = tuple(f"site {s + 1}" for s in range(sites))
    samples = Samples(
        [
            Modality("series", "signal", series),
            Modality("functional", "connectivity", np.stack([np.corrcoef(one) for one in series])),
            Modality("structural", "connectivity", structural),
            Modality("morphometry", "roi", size * _MORPHOMETRY_MEAN + _MORPHOMETRY_SD * shapes),
            phenotype(site, sex, age, names),
        ],
        sites=np.array(names)[site],
    )
    truth = {
        "regions": np.broadcast_to(tells, (n, regions)),
        "edges": np.broadcast_to(edges, (n, regions, regions)),
        "burden": burden,
        "posterior": expit(odds),
        "states": states,
        "covariance": np.eye(regions) + loadings @ loadings.swapaxes(2, 3),
        "gain": gain,
        "noise": noise,
        "shift": shift,
    }
    split: Protocol = LeaveOneSiteOut() if protocol == "sites" else CrossValidation()
    return Task(samples, y, CLASSES, card, split, bayes=bayes_scores(strengths), truth=truth)


def bayes_scores(strengths: Sequence[float]) -> dict[str, float]:
    """Scores of a rule that reads the functional burden without error: accuracy, area under the curve, and so on."""
    return gaussian_scores(float(np.linalg.norm(strengths)))


def state_sequences(n: int, length: int, dwell: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """States 0 and 1, (n, length): a Markov chain that starts in either and changes with probability 1 / dwell."""
    changes = rng.random((n, length)) < 1 / dwell
    changes[:, 0] = rng.random(n) < 0.5
    return np.cumsum(changes, axis=1) % STATES


def _check(
    n: int, regions: int, length: int, k: int, strengths: Sequence[float], sites: int, seed: int
) -> tuple[float, ...]:
    check_rows(card.name, n, seed)
    check_whole(card.name, "regions", regions, 2 * NETWORKS)
    check_whole(card.name, "length", length, 16, 512)
    check_whole(card.name, "k", k, 2, regions - 1)
    check_whole(card.name, "sites", sites, 2)
    if n < 10 * sites:
        raise DataError(f"task {card.name!r}: n is {n} for {sites} sites; give at least ten rows for each")
    if isinstance(strengths, str) or np.shape(strengths) != (3,):
        raise DataError(
            f"task {card.name!r}: strengths is {strengths!r}; give three, for function, tracts and morphometry"
        )
    return check_options(card.name, n, (1,) * 3, strengths, seed, least=3)[1]


def _loadings(n: int, regions: int, tells: npt.NDArray[np.bool_], coupling: Floats, seed: int) -> Floats:
    """What each region takes from the networks of a state and from the planted coupling, (n, 2, R, 5)."""
    rng = _rng(seed, "networks")
    first = np.arange(regions) * NETWORKS // regions  # neighbours share a network of the first state
    networks = np.eye(NETWORKS)[np.stack([first, rng.permutation(first)])]
    own = networks + _LOADING_SD * _rng(seed, "loadings").normal(size=(n, *networks.shape))
    planted = np.sqrt(coupling)[:, None] * tells
    return np.concatenate([own, np.repeat(planted[:, None, :, None], STATES, axis=1)], axis=3)


def _series(loadings: Floats, states: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Series (n, R, T) with covariance I + L L' of the state's loadings L at every time."""
    n, _, regions, factors = loadings.shape
    length = states.shape[1]
    shared = _autoregressive((n, factors, length), rng)
    alone = _autoregressive((n, regions, length), rng)
    both = np.einsum("nsrf,nft->nsrt", loadings, shared)
    return alone + np.where(states[:, None, :] == 0, both[:, 0], both[:, 1])


def _autoregressive(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Stationary first-order autoregressions of unit variance along the last axis."""
    from scipy.signal import lfilter

    x = rng.normal(size=shape)
    x[..., 1:] *= np.sqrt(1 - _AUTOCORRELATION**2)
    return lfilter([1.0], [1.0, -_AUTOCORRELATION], x, axis=-1)


def _distances(regions: int, seed: int) -> Floats:
    """Between places spread evenly over an ellipsoid of the size of a brain, in mm, (R, R)."""
    places = _rng(seed, "places").normal(size=(regions, 3))
    places *= np.array([60.0, 80.0, 55.0]) / np.linalg.norm(places, axis=1, keepdims=True)
    return np.linalg.norm(places[:, None] - places, axis=2)


def _rng(seed: int, *what: object) -> np.random.Generator:
    return np.random.default_rng(derived_seed(card.name, seed, *what))
