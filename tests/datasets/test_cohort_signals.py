"""Fetal and interview cohorts: traces, words, bands and pauses are what they should be, and so is the best score."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from fusebench.datasets import load_task
from fusebench.datasets.cohorts.fetal import FACTS
from fusebench.datasets.cohorts.fetal import bayes_scores as fetal_scores
from fusebench.datasets.cohorts.interview import CHANNELS, SAMPLING, band_power


def test_the_posterior_of_distress_is_that_of_explicit_densities() -> None:
    # A rate of 1/4 makes the noise of the label as large as severity itself.
    task = load_task("fetal-cohort", n=20, strengths=(0.7, 0.6), disagreement=0.25)
    often = np.array([share for _, _, share in FACTS])

    def joint(z: float, row: int, distress: int) -> float:
        held = norm.sf(norm.isf(often), loc=0.6 * z, scale=0.8)
        words = np.where(task.truth["facts"][row], held, 1 - held).prod()
        trace = norm.pdf(task.truth["shown"][row, 0], 0.7 * z, np.sqrt(1 - 0.49))
        return norm.pdf(z) * trace * words * norm.cdf(z if distress else -z)

    for row in range(5):
        no, yes = (quad(joint, -8, 8, args=(row, y), epsabs=1e-12)[0] for y in (0, 1))
        assert task.truth["posterior"][row] == pytest.approx(yes / (no + yes), abs=1e-6)


@pytest.mark.parametrize(
    ("by_trace", "by_fact", "overlap"), [(0.8, 0.5, 0.3), (0.0, 0.8, 1.0), (0.6, 0.0, 0.0), (0.99, 0.99, 0.3)]
)
def test_the_best_score_of_distress_is_a_sum_over_all_texts(by_trace: float, by_fact: float, overlap: float) -> None:
    z, v = np.linspace(-6, 6, 240), np.linspace(-6, 6, 241)
    density = norm.pdf(z) * norm.pdf(v[:, None], by_trace * z, np.sqrt(1 - by_trace**2)) * (z[1] - z[0]) * (v[1] - v[0])
    distress = norm.cdf(z / overlap) if overlap else (z > 0).astype(float)
    right = 0.0
    for facts in np.ndindex(*(2,) * len(FACTS)):
        words = np.ones_like(z)
        for held, (_, _, often) in zip(facts, FACTS, strict=True):
            chance = norm.sf(norm.isf(often), loc=by_fact * z, scale=np.sqrt(1 - by_fact**2))
            words *= chance if held else 1 - chance
        right += np.maximum(density @ (words * distress), density @ (words * (1 - distress))).sum()
    assert fetal_scores(by_trace, by_fact, overlap)["accuracy"] == pytest.approx(right, abs=0.005)


def test_the_posterior_of_distress_is_calibrated_at_the_planted_rate() -> None:
    task = load_task("fetal-cohort", n=4000, size=24)
    assert (task.y != task.truth["clean"]).mean() == pytest.approx(0.1, abs=0.02)
    p = task.truth["posterior"]
    right = task.y == (p > 0.5)
    assert right.mean() == pytest.approx(task.bayes["accuracy"], abs=0.026)
    assert (right[task.y == 0].mean() + right[task.y == 1].mean()) / 2 == pytest.approx(
        task.bayes["balanced_accuracy"], abs=0.026
    )
    for low in np.arange(0, 1, 0.2):
        inside = (p > low) & (p <= low + 0.2)
        assert task.y[inside].mean() == pytest.approx(p[inside].mean(), abs=4 * 0.5 / np.sqrt(inside.sum()))


def test_the_words_are_the_facts_and_as_frequent_as_they_should_be() -> None:
    task = load_task("fetal-cohort", n=1000, size=24)
    words = np.array([text.split() for text in task.samples.modality("text").values])
    assert words.shape == (1000, 1 + len(FACTS))
    for j, (there, absent, often) in enumerate(FACTS):
        assert (words[:, j + 1] == np.where(task.truth["facts"][:, j], there, absent)).all()
        assert (words[:, j + 1] == there).mean() == pytest.approx(often, abs=4 * 0.5 / np.sqrt(1000))


def test_decelerations_come_half_a_minute_after_contractions_where_severity_is_high() -> None:
    task = load_task("fetal-cohort")
    rate, contractions = np.moveaxis(task.samples.modality("signal").values.astype(float), 1, 0)
    bad = task.truth["shown"][:, 0] > 1
    lags = np.arange(-30, 31)
    fall = [
        np.mean([np.corrcoef(np.roll(c, lag), -r)[0, 1] for r, c in zip(rate[bad], contractions[bad], strict=True)])
        for lag in lags
    ]
    assert lags[np.argmax(fall)] * 2.5 == pytest.approx(30, abs=5)
    assert 110 < np.median(rate) < 160


def test_the_picture_is_of_the_heart_rate() -> None:
    task = load_task("fetal-cohort", size=48)
    picture = task.samples.modality("image").values[:, 0].astype(float)
    rate = task.samples.modality("signal").values[:, 0].reshape(len(task), 48, 10)
    centre = (picture * np.arange(48)[:, None]).sum(axis=1) / picture.sum(axis=1)
    expected = (200 - rate.mean(axis=2)) / 140 * 48 - 0.5
    assert np.abs(centre - expected).mean() < 0.5
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_twice_the_alpha_is_four_times_its_power_and_nothing_else() -> None:
    t = np.arange(256) / SAMPLING
    noise = np.random.default_rng(0).normal(size=(1, 1, 256))
    once, twice = (band_power(noise + a * np.sin(2 * np.pi * 10 * t)) for a in (20.0, 40.0))
    assert (twice - once)[0, 0] == pytest.approx([0, 0, np.log(4), 0, 0], abs=0.05)


def test_only_frontal_alpha_leans_and_only_its_lean_tells() -> None:
    task = load_task("interview-cohort", n=500)
    alpha = task.samples.modality("bands").values[:, :, 2].astype(float)
    lean = dict(zip(CHANNELS[::2], (alpha[:, ::2] - alpha[:, 1::2]).T, strict=True))
    for left, difference in lean.items():
        r = np.corrcoef(difference, task.truth["shown"][:, 0])[0, 1]
        assert r > 0.8 if left.startswith("F") else abs(r) < 4 / np.sqrt(500), left
    assert abs(np.corrcoef(alpha.mean(axis=1), task.truth["severity"])[0, 1]) < 4 / np.sqrt(500)
    assert (task.y != task.truth["clean"]).mean() == pytest.approx(0.1, abs=4 * 0.3 / np.sqrt(500))


def test_pauses_are_as_long_as_planted() -> None:
    task = load_task("interview-cohort", frames=200)
    pauses = (task.samples.modality("speech").values[:, 0] < 50).mean(axis=1)
    assert pauses == pytest.approx(0.1 + 0.45 * norm.cdf(task.truth["shown"][:, 1]), abs=1 / 200 + 1e-6)


def test_bands_are_those_of_the_recording_and_either_can_come_alone() -> None:
    both = load_task("interview-cohort", n=20)
    assert both.samples.names == ("eeg", "bands", "speech")
    assert both.samples.modality("bands").values == pytest.approx(
        band_power(both.samples.modality("eeg").values.astype(float)), abs=1e-4
    )
    for eeg, name in (("signal", "eeg"), ("roi", "bands")):
        one = load_task("interview-cohort", n=20, eeg=eeg)
        assert one.samples.names == (name, "speech")
        assert (one.samples.modality(name).values == both.samples.modality(name).values).all()
        assert one.bayes == both.bayes
