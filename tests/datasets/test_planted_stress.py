"""Planted stress: wrong labels, wrong pairs, misaligned signals and pictures, sites; what each of them costs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import accuracy_score

from fusebench.datasets import load_task
from fusebench.datasets.planted.noisy import bayes_scores as noisy_scores

N = 100_000
FOUR_SIGMA = 4 * 0.5 / np.sqrt(N)


@pytest.mark.parametrize(("noise", "rate"), [("symmetric", 0.3), ("class", (0.05, 0.4)), ("instance", 0.5)])
def test_noisy_flips_as_it_says_and_keeps_the_clean_labels(noise: str, rate) -> None:
    settings = {"widths": (2, 2), "strengths": (1.0, 1.0), "seed": 1}
    task, clean = load_task("noisy", n=N, noise=noise, rate=rate, **settings), load_task("add", n=N, **settings)
    np.testing.assert_array_equal(task.samples.modality("m1").values, clean.samples.modality("m1").values)
    np.testing.assert_array_equal(task.truth["clean"], clean.y)
    np.testing.assert_array_equal(task.truth["flipped"], task.y != clean.y)
    flipped, chance = task.truth["flipped"], task.truth["flip_rate"]
    for c in (0, 1):
        inside = clean.y == c
        assert flipped[inside].mean() == pytest.approx(chance[inside].mean(), abs=2 * FOUR_SIGMA)
    if noise == "instance":
        p = clean.truth["posterior"]
        assert np.corrcoef(np.minimum(p, 1 - p), chance)[0, 1] == pytest.approx(1)
        assert flipped[np.abs(p - 0.5) < 0.02].mean() == pytest.approx(0.5, abs=0.04)
        assert flipped[np.abs(p - 0.5) > 0.4].mean() < 0.1
    else:
        assert [chance[clean.y == c].mean() for c in (0, 1)] == pytest.approx(np.broadcast_to(rate, 2))
    best = accuracy_score(clean.y, task.truth["clean_posterior"] > 0.5)
    assert best == pytest.approx(task.bayes["accuracy_clean"], abs=FOUR_SIGMA)
    assert task.bayes["accuracy"] < task.bayes["accuracy_clean"] - 0.05


@pytest.mark.parametrize(
    ("noise", "rates"), [("symmetric", (0.2, 0.2)), ("class", (0.0, 0.4)), ("instance", (0.4, 0.4))]
)
def test_noisy_scores_are_integrals_over_the_log_odds(noise: str, rates: tuple[float, float]) -> None:
    def mean(loss) -> float:
        def at(odds: float) -> float:
            p = expit(odds)
            shape = 2 * min(p, 1 - p) if noise == "instance" else 1.0
            q = p * (1 - rates[1] * shape) + (1 - p) * rates[0] * shape
            return (norm.pdf(odds, 1.125, 1.5) + norm.pdf(odds, -1.125, 1.5)) / 2 * loss(q)

        return quad(at, -20, 20, points=[0.0, logit(0.5 / 0.6)], limit=400)[0]

    scores = noisy_scores((1.5,), noise, rates)
    assert scores["accuracy"] == pytest.approx(mean(lambda q: max(q, 1 - q)), abs=1e-6)
    assert scores["log_loss"] == pytest.approx(mean(lambda q: -q * np.log(q) - (1 - q) * np.log(1 - q)), abs=1e-6)
    assert scores["brier"] == pytest.approx(mean(lambda q: 2 * q * (1 - q)), abs=1e-6)


def test_noisy_can_be_scored_on_clean_test_labels() -> None:
    task = load_task("noisy", n=3000, rate=0.4, scored="clean", seed=1)
    (split,) = task.splits()
    assert len(split.test) == 1000
    assert not task.truth["flipped"][split.test].any()
    assert task.truth["flipped"][split.train].mean() == pytest.approx(0.4, abs=0.05)
    np.testing.assert_array_equal(task.y[split.test], task.truth["clean"][split.test])
    assert task.bayes["accuracy"] == task.bayes["accuracy_clean"] == load_task("add").bayes["accuracy"]


@pytest.mark.parametrize("over", ["xor", "add"])
def test_mispair_gives_a_share_of_rows_the_second_modality_of_their_class(over: str) -> None:
    settings = {"n": 401, "widths": (2, 3, 2), "strengths": (3.0, 4.0, 5.0), "seed": 2}
    task, paired = load_task("mispair", over=over, share=0.3, **settings), load_task(over, **settings)
    partner, mispaired = task.truth["partner"], task.truth["mispaired"]
    assert abs(mispaired.mean() - 0.3) < 2 / 401
    assert sorted(partner) == list(range(401))
    np.testing.assert_array_equal(mispaired, partner != np.arange(401))
    np.testing.assert_array_equal(task.y[partner], task.y)
    for name in ("m1", "m3"):
        np.testing.assert_array_equal(task.samples.modality(name).values, paired.samples.modality(name).values)
    np.testing.assert_array_equal(task.samples.modality("m2").values, paired.samples.modality("m2").values[partner])


def test_mispair_costs_all_that_only_pairs_tell_and_nothing_else() -> None:
    paired = load_task("xor").bayes["accuracy"]
    assert load_task("mispair", n=1000, share=0.5).bayes["accuracy"] == pytest.approx(paired / 2 + 0.25)
    assert load_task("mispair", share=1.0).bayes["accuracy"] == 0.5
    assert load_task("mispair", share=0.0).bayes["accuracy"] == paired
    strengths = {"strengths": (1.0, 1.0)}
    assert (
        load_task("mispair", over="add", share=0.5, **strengths).bayes
        == load_task("add", widths=(4, 4), **strengths).bayes
    )


@pytest.mark.parametrize("name", ["lag", "shift"])
def test_known_displacements_align_again_and_unknown_ones_cost(name: str) -> None:
    small = {"length": 32} if name == "lag" else {"size": 16}
    options = {"strengths": (1.0, 2.0), "landmark": 1.0, **small}
    task = load_task(name, n=20_000, seed=1, **options)
    aligned = task.bayes["accuracy_aligned"]
    assert aligned == pytest.approx(norm.cdf(np.sqrt(5) / 2))
    assert accuracy_score(task.y, task.truth["aligned_posterior"] > 0.5) == pytest.approx(aligned, abs=0.012)
    assert task.bayes["accuracy"] < aligned - 0.02
    still = load_task(name, **options, **{name: 0}).bayes
    assert still["accuracy"] == pytest.approx(aligned, abs=0.005)
    marked = load_task(name, **{**options, "landmark": 30.0}).bayes
    assert marked["accuracy"] == pytest.approx(aligned, abs=0.005)
    moved = task.truth["displacement"]
    assert (moved[:, 0] == 0).all()
    for axis in range(moved.shape[2]):
        assert np.ptp(moved[:, 1, axis]) == (8 if name == "lag" else 4)
    # Rolled back, the second modality shows what it shows where nothing is displaced.
    x = task.samples.modality("m2").values[:, 0]
    axes = tuple(range(x.ndim - 1))
    back = np.stack([np.roll(one, -step, axes) for one, step in zip(x, moved[:, 1], strict=True)])
    shape = back[task.y == 1].mean(axis=0) - back[task.y == 0].mean(axis=0)
    assert np.linalg.norm(shape) == pytest.approx(2.0, abs=0.3)
    blurred = x[task.y == 1].mean(axis=0) - x[task.y == 0].mean(axis=0)
    assert np.linalg.norm(blurred) < 0.8 * np.linalg.norm(shape)


def test_the_lag_posterior_is_that_of_all_lags_enumerated() -> None:
    length, width, d, landmark = 16, 1.2, (1.0, 2.0), 1.5
    task = load_task("lag", n=25, length=length, lag=2, width=width, strengths=d, landmark=landmark, seed=3)
    t = np.arange(length)
    first, second = (np.exp(-(np.minimum(abs(t - c), length - abs(t - c)) ** 2) / (2 * width**2)) for c in (4, 12))
    common, differs = ((one / np.linalg.norm(one)) for one in (first + second, first - second))
    log = np.zeros((2, 25))
    for m, lags in enumerate(([0], [-2, -1, 0, 1, 2])):
        x = task.samples.modality(f"m{m + 1}").values[:, 0]
        for c in (0, 1):
            means = [np.roll(landmark * common + (c - 0.5) * d[m] * differs, lag) for lag in lags]
            log[c] += np.log(sum(multivariate_normal(mean, np.eye(length)).pdf(x) for mean in means))
    assert task.truth["posterior"] == pytest.approx(expit(log[1] - log[0]), abs=1e-5)


def test_site_attaches_scanners_and_class_shares_to_sites() -> None:
    shares = (0.2, 0.5, 0.9)
    options = {"n": 3000, "widths": (2, 3), "strengths": (1.0, 2.0), "prevalences": shares, "seed": 1}
    task = load_task("site", gain=0.5, offset=2.0, **options)
    before = load_task("site", gain=0, offset=0, **options)
    sites = task.samples.sites
    assert [task.y[sites == f"site {s}"].mean() for s in (1, 2, 3)] == pytest.approx(shares)
    pairs = zip(task.samples.modalities, before.samples.modalities, strict=True)
    for m, (measured, true) in enumerate(pairs):
        gain, offset = (task.truth[what][:, [m]] for what in ("gain", "offset"))
        assert measured.values == pytest.approx(gain * true.values + offset)
        assert len(np.unique(gain)) == len(np.unique(offset)) == 3
        assert len({(s, g) for s, g in zip(sites, gain[:, 0], strict=True)}) == 3
    assert [len(split.test) for split in task.splits()] == [1000] * 3
    for split in task.splits():
        assert len(np.unique(sites[split.test])) == 1
    assert len(load_task("site", n=3000, prevalences=shares, protocol="folds").splits()) == 5


def test_site_without_differences_is_add_and_sites_alone_tell_their_shares() -> None:
    alike = load_task("site", prevalences=(0.5, 0.5), gain=0, offset=0).bayes
    both = load_task("add", widths=(5, 5), strengths=(1.5, 1.5)).bayes
    assert alike == pytest.approx({metric: both[metric] for metric in alike})
    faint = load_task("site", n=1000, prevalences=(0.1, 0.8), strengths=(1e-9, 1e-9)).bayes
    assert faint["accuracy"] == pytest.approx(0.85)
