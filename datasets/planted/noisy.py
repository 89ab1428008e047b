"""NOISY: the task ADD with wrong labels, whose clean labels are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..splits import CrossValidation, OfficialSplit, Protocol, derived_seed
from ..task import Task
from . import add
from .forms import check_forms
from .options import check_between, check_choice, check_options
from .scores import Floats, gaussian_scores

card = TaskCard(
    name="noisy",
    title="Planted: wrong labels",
    description=(
        "Evidence adds up over Gaussian modalities, as in the task add, but labels are turned: with the same chance in "
        "all rows, with a chance of the class's own, or the more often the less clear a row is."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("The best scores are those against the labels that are given; accuracy_clean is that against the clean.",),
)

NOISES = ("symmetric", "class", "instance")
SCORED = ("noisy", "clean")


def load(
    n: int = 400,
    widths: Sequence[int] = (5, 5, 5),
    strengths: Sequence[float] = (1.0, 1.0, 1.0),
    noise: str = "symmetric",
    rate: float | Sequence[float] = 0.2,
    scored: str = "noisy",
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """The rows of the task add with the same settings, and labels turned at random.

    With P the true P(clean class 1 | row), the chance that a label is turned is ``rate`` for noise "symmetric", the
    rate of its class for "class", and 2 rate min(P, 1 - P) for "instance": the rate where the classes meet, and little
    far away (after the boundary-consistent noise of Menon, van Rooyen and Natarajan 2018; the form is our own).

    Parameters
    ----------
    n, widths, strengths, form, seed: as of the task add; the seed also draws which labels are turned.
    noise: "symmetric", "class" or "instance".
    rate: from 0 to 1/2; for noise "class" two of them, for the clean classes 0 and 1.
    scored: "noisy" for wrong labels in all rows and cross-validation; "clean" for an official split in which every
        third row is a test row and has its clean label.

    Returns
    -------
    The task. In ``truth``, all of shape (n,): ``clean`` labels; ``flipped``, whether the label given differs;
    ``flip_rate``, how likely that was; ``clean_posterior``, the true P(clean class 1 | row); and ``posterior``, that of
    the label given. ``bayes`` holds the best scores against the labels that are scored, and ``accuracy_clean``.

    Raises
    ------
    DataError: as of the task add; another noise, rates out of range, not as many rates as the noise needs.
    """
    widths, strengths = check_options("noisy", n, widths, strengths, seed, least=1)
    check_forms("noisy", form, widths)
    check_choice("noisy", "noise", noise, NOISES)
    check_choice("noisy", "scored", scored, SCORED)
    rates = _rates(noise, rate)
    clean = add.load(n, widths, strengths, form, seed)
    p = clean.truth["posterior"]
    chance = _flip_rates(noise, rates)(p)[clean.y, np.arange(n)]
    test = np.zeros(n, dtype=bool)
    test[::3] = scored == "clean"
    flipped = (np.random.default_rng(derived_seed("noisy", seed, "flips")).random(n) < chance) & ~test
    truth = {
        "clean": clean.y,
        "flipped": flipped,
        "flip_rate": np.where(test, 0.0, chance),
        "clean_posterior": p,
        "posterior": np.where(test, p, _noisy(_flip_rates(noise, rates), p)),
    }
    protocol: Protocol = OfficialSplit(test) if scored == "clean" else CrossValidation()
    best = gaussian_scores(float(np.linalg.norm(strengths)))
    bayes = best if scored == "clean" else bayes_scores(strengths, noise, rates)
    bayes = {**bayes, "accuracy_clean": best["accuracy"]}
    return Task(clean.samples, clean.y ^ flipped, clean.classes, card, protocol, bayes=bayes, truth=truth)


def bayes_scores(strengths: Sequence[float], noise: str, rates: tuple[float, float]) -> dict[str, float]:
    """Best achievable scores against noisy labels: integrals over the log-odds of the clean class."""
    from scipy.special import expit, logit, xlogy
    from scipy.stats import norm

    s = float(np.linalg.norm(strengths))
    flip_rates = _flip_rates(noise, rates)
    far = s**2 / 2 + 12 * s
    edges = [-far, 0.0, far]
    if noise == "class" and sum(rates) < 1:
        # The best decision changes where the noisy posterior is 1/2, at this clean one.
        share = np.clip((0.5 - rates[0]) / (1 - sum(rates)), 0.0, 1.0)
        edges.append(float(np.clip(logit(share), -far, far)))
    odds, step = _nodes(sorted(set(edges)))
    weight = step * (norm.pdf(odds, s**2 / 2, s) + norm.pdf(odds, -(s**2) / 2, s)) / 2
    q = _noisy(flip_rates, expit(odds))
    scores = {
        "accuracy": float(weight @ np.maximum(q, 1 - q)),
        "log_loss": float(-weight @ (xlogy(q, q) + xlogy(1 - q, 1 - q))),
        "brier": float(weight @ (2 * q * (1 - q))),
    }
    # Where nothing favours a class, both are recognised equally often.
    return scores if noise == "class" else {**scores, "balanced_accuracy": scores["accuracy"]}


def _rates(noise: str, rate: float | Sequence[float]) -> tuple[float, float]:
    """The rates of the clean classes 0 and 1, which are the same but for noise "class"."""
    pair = () if isinstance(rate, str) or not isinstance(rate, Sequence | np.ndarray) else tuple(rate)
    if len(pair) != (2 if noise == "class" else 0):
        need = "two numbers, one for each class, as in (0.1, 0.3)" if noise == "class" else "one number"
        raise DataError(f"task 'noisy': rate is {rate!r}; noise {noise!r} needs {need}")
    first, second = (check_between("noisy", "rate", one, 0, 0.5) for one in pair or (rate, rate))
    return first, second


def _flip_rates(noise: str, rates: tuple[float, float]) -> Callable[[Floats], Floats]:
    """From P(clean class 1 | row), (n,), to the chance that the label of each clean class is turned, (2, n)."""

    def chance(p: Floats) -> Floats:
        shape = 2 * np.minimum(p, 1 - p) if noise == "instance" else np.ones_like(p)
        return np.outer(rates, shape)

    return chance


def _noisy(flip_rates: Callable[[Floats], Floats], p: Floats) -> Floats:
    """P(noisy class 1 | row) from P(clean class 1 | row)."""
    turned = flip_rates(p)
    return p * (1 - turned[1]) + (1 - p) * turned[0]


def _nodes(edges: Sequence[float]) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on every piece between edges, where integrands are smooth."""
    x, w = np.polynomial.legendre.leggauss(300)
    pieces = [((b - a) / 2 * x + (a + b) / 2, (b - a) / 2 * w) for a, b in pairwise(edges)]
    return np.concatenate([nodes for nodes, _ in pieces]), np.concatenate([weights for _, weights in pieces])
