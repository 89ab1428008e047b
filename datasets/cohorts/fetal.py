"""A simulated cohort of births: cardiotocography as a signal and as a picture, facts as text; distress or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..planted.options import check_between, check_rows, check_whole
from ..planted.scores import drawn_scores
from ..samples import Modality, Samples
from ..task import Task
from .drawing import Floats, stream
from .severity import MOST_DISAGREEMENT, LatentSeverity, check_strengths, overlap_at

card = TaskCard(
    name="fetal-cohort",
    title="Simulated: cardiotocography and clinical facts",
    description=(
        "Twenty minutes of fetal heart rate and contractions, the same trace as a picture, and a short text of "
        "clinical facts. A latent severity shows as late decelerations and lost variability in the trace and as facts "
        "in the text, with set correlations, and decides on distress, which is noted wrongly at a set rate."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="fetal distress",
    planted=True,
    caveats=(
        "The picture is drawn from the trace, so that it adds nothing to the signal.",
        "The best score is for traces that are read without error, so that it is an upper bound.",
        "At the default settings the best accuracy lies between 0.803, which an observer of the arrays alone attains, "
        "and 0.807.",
    ),
)

TASK = "fetal-cohort"
MODALITIES = ("trace", "facts")
LENGTH = 480
MINUTES = 20.0
RATES = (60.0, 200.0)
"""Beats a minute at the lower and the upper edge of the picture."""
FACTS: tuple[tuple[str, str, float], ...] = (
    ("preterm", "term", 0.3),
    ("restricted", "grown", 0.35),
    ("meconium", "clear", 0.4),
    ("febrile", "afebrile", 0.25),
    ("quiet", "moving", 0.5),
    ("oxytocin", "spontaneous", 0.45),
)
"""The word when a fact holds, the word when it does not, and how often it holds."""
_DRAWS = 20_000


def load(
    n: int = 200, size: int = 40, strengths: Sequence[float] = (0.8, 0.5), disagreement: float = 0.1, seed: int = 0
) -> Task:
    """Severity z is N(0, 1); there is distress where z plus noise is above its median.

    What the trace shows is normal with correlation r_1 to z: it deepens the decelerations that follow contractions and
    takes variability away. Baseline, wander, accelerations and the times of contractions tell nothing. Each of the
    six facts of the text holds where a latent of its own, normal with correlation r_2 to z, is above a threshold;
    given z they are independent. A seventh word tells nothing.

    Parameters
    ----------
    n: births (rows).
    size: pixels of the picture along each axis; it spans 20 minutes and 60 to 200 beats a minute.
    strengths: correlation with severity of what the trace shows, and of the latent of every fact, from 0 to 0.99.
    disagreement: of the distress noted with that of the severity itself, from 0 to 0.4.
    seed: all random numbers.

    Returns
    -------
    The task: ``signal`` (n, 2, 480), heart rate in beats a minute and contractions in mmHg, every 2.5 seconds;
    ``image`` (n, 1, size, size), the heart rate drawn; both float32; ``text`` (n,), seven words. In ``truth``:
    ``severity``, ``clean`` distress and ``posterior``, the true P(distress | what the trace shows, facts), (n,);
    ``shown`` (n, 1); ``facts`` (n, 6), whether they hold. ``bayes`` is the mean of what that posterior scores over
    20,000 further draws (standard errors below 0.002); it is an upper bound, for a trace that is read without error.

    Raises
    ------
    DataError: fewer than 20 rows, numbers out of range.
    """
    check_rows(TASK, n, seed)
    check_whole(TASK, "size", size, 24, 96)
    check_between(TASK, "disagreement", disagreement, 0, MOST_DISAGREEMENT)
    by_trace, by_fact = check_strengths(TASK, strengths, MODALITIES)
    overlap = overlap_at(disagreement, 2)
    drawn = LatentSeverity(TASK, (by_trace,), overlap).draw(n, seed)
    facts = _facts(drawn.severity, by_fact, stream(TASK, seed, "facts"))
    signal = _trace(drawn.shown[:, 0], seed)
    samples = Samples(
        [
            Modality("signal", "signal", signal.astype(np.float32)),
            Modality("image", "image", _picture(signal[:, 0], size)[:, None].astype(np.float32)),
            Modality("text", "text", _sentences(facts, stream(TASK, seed, "parity"))),
        ]
    )
    truth = {
        **drawn.truth,
        "facts": facts,
        "posterior": _posterior(drawn.shown[:, 0], facts, by_trace, by_fact, overlap),
    }
    bayes = bayes_scores(by_trace, by_fact, overlap)
    return Task(samples, drawn.label, ("normal", "distress"), card, bayes=bayes, truth=truth)


@lru_cache(maxsize=16)
def bayes_scores(by_trace: float, by_fact: float, overlap: float) -> dict[str, float]:
    """What the true posterior scores, as means over draws: accuracy, balanced accuracy, log-loss and Brier score."""
    from scipy.special import logit

    rng = stream(TASK, 0, "bayes")
    z = rng.normal(size=_DRAWS)
    shown = by_trace * z + np.sqrt(1 - by_trace**2) * rng.normal(size=_DRAWS)
    p = _posterior(shown, _facts(z, by_fact, rng), by_trace, by_fact, overlap)
    # Classes are equally frequent, so that the best rule has the best balanced accuracy too.
    return drawn_scores(logit(p))


def _facts(severity: Floats, strength: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Whether each fact holds, (n, 6)."""
    from scipy.special import ndtri

    often = np.array([share for _, _, share in FACTS])
    noise = rng.normal(size=(len(severity), len(FACTS)))
    return strength * severity[:, None] + np.sqrt(1 - strength**2) * noise > ndtri(1 - often)


def _posterior(shown: Floats, facts: npt.NDArray[np.bool_], by_trace: float, by_fact: float, overlap: float) -> Floats:
    """P(distress | what the trace shows, facts), (n,), by the trapezoidal rule over severity."""
    from scipy.special import log_ndtr, ndtr, ndtri

    z = np.linspace(-6, 6, 601)
    often = np.array([share for _, _, share in FACTS])
    odds = (by_fact * z - ndtri(1 - often)[:, None]) / np.sqrt(1 - by_fact**2)
    log_density = -((shown[:, None] - by_trace * z) ** 2) / (2 * (1 - by_trace**2)) - z**2 / 2
    log_density += facts @ log_ndtr(odds) + ~facts @ log_ndtr(-odds)
    weight = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    # Without noise the label is the sign of severity.
    distress = ndtr(z / overlap) if overlap else np.heaviside(z, 0.5)
    return np.clip(weight @ distress / weight.sum(axis=1), 0, 1)  # rounding may lead past 1


def _sentences(facts: npt.NDArray[np.bool_], rng: np.random.Generator) -> np.ndarray:
    """Seven words for every row: whether it is a first birth, then the facts."""
    parity = np.where(rng.random(len(facts)) < 0.5, "primipara", "multipara")
    words = [np.where(facts[:, j], there, absent) for j, (there, absent, _) in enumerate(FACTS)]
    return np.array([" ".join(row) for row in zip(parity, *words, strict=True)])


def _trace(shown: Floats, seed: int) -> Floats:
    """Heart rate in beats a minute and contractions in mmHg, (n, 2, 480)."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.special import ndtr

    n = len(shown)
    bad = ndtr(shown)[:, None]
    rng = stream(TASK, seed, "trace")
    t = (np.arange(LENGTH) + 0.5) * MINUTES / LENGTH
    # A contraction about every three minutes; what depends on severity follows each of them by half a minute.
    peaks = 2.0 + 3.0 * np.arange(6) + rng.uniform(-0.4, 0.4, size=(n, 6))
    away = t - peaks[:, :, None]
    contractions = (rng.uniform(35, 60, size=(n, 6, 1)) * np.exp(-((away / 0.45) ** 2))).sum(axis=1)
    late = (rng.uniform(0.8, 1.2, size=(n, 6, 1)) * np.exp(-(((away - 0.5) / 0.4) ** 2))).sum(axis=1)
    spurts = t - rng.uniform(0, MINUTES, size=(n, 3, 1))
    accelerations = (rng.uniform(0, 18, size=(n, 3, 1)) * np.exp(-((spurts / 0.25) ** 2))).sum(axis=1)
    wander = gaussian_filter1d(rng.normal(size=(n, LENGTH)), 40, axis=1, mode="wrap")
    quick = gaussian_filter1d(rng.normal(size=(n, LENGTH)), 1.0, axis=1, mode="wrap")
    baseline = rng.uniform(128, 152, size=(n, 1)) + 3 * wander / wander.std()
    variability = (6.0 - 5.0 * bad) * quick / quick.std()
    rate = baseline + accelerations + variability - 45 * bad * late
    resting = 8 + contractions + rng.normal(size=(n, LENGTH))
    return np.stack([np.clip(rate, *RATES), resting], axis=1)


def _picture(rate: Floats, size: int) -> Floats:
    """The heart rate as a dark line would be drawn, bright on black, (n, size, size) in [0, 1], high rates on top."""
    from scipy.ndimage import gaussian_filter1d

    low, high = RATES
    row = np.clip((high - rate) / (high - low) * size, 0, size - 1e-9).astype(int)
    column = np.arange(LENGTH) * size // LENGTH
    picture = np.zeros((len(rate), size, size))
    np.add.at(picture, (np.arange(len(rate))[:, None], row, column), 1.0)
    picture = gaussian_filter1d(picture, 0.4, axis=1)
    return np.minimum(picture * size / LENGTH * 3, 1)
