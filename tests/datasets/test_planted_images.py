"""Planted images and volumes: masks are what changed, one band of frequencies tells all and the other nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.linear_model import LogisticRegression

from fusebench.datasets import load_task

SMALL = {"image": {"n": 40, "size": 12, "radius": 2.5}, "volume": {"n": 40, "size": 12, "radius": 2.5}}


@pytest.mark.parametrize("form", ["image", "volume"])
@pytest.mark.parametrize("label", ["presence", "side"])
@pytest.mark.parametrize("places", [1, 2])
def test_the_mask_covers_exactly_the_cells_that_the_lesion_changed(form: str, label: str, places: int) -> None:
    # The same seed gives the same noise: with a lesion of hardly any strength it is what lies under the other.
    options = {**SMALL[form], "form": form, "label": label, "places": places, "seed": 3}
    with_lesion, without = (load_task("spatial", strengths=(d, d), **options) for d in (4.0, 1e-30))
    mask = with_lesion.truth["mask"]
    for m in with_lesion.samples.names:
        change = with_lesion.samples.modality(m).values[:, 0] - without.samples.modality(m).values[:, 0]
        np.testing.assert_array_equal(change != 0, mask)
        assert change[mask] == pytest.approx(change[mask][0], abs=1e-5)
    left, right = np.split(mask.reshape(len(mask), -1, 12), 2, axis=2)
    tells = right if label == "side" else left
    np.testing.assert_array_equal(tells.any(axis=(1, 2)), with_lesion.y == 1)
    assert right.any() == (label == "side")
    assert len(np.unique(mask[with_lesion.y == 1], axis=0)) == places
    sizes = np.unique(mask.reshape(len(mask), -1).sum(axis=1))
    assert len(sizes) == (1 if label == "side" else 2)


def test_the_lesion_is_a_ball_by_hand() -> None:
    # Size 8, radius 1: the centre lies between cells in every axis, so that the four cells around it are within 0.71.
    mask = load_task("spatial", n=20, size=8, radius=1.0, label="side").truth["mask"]
    expected = np.zeros((8, 8), dtype=bool)
    expected[3:5, 1:3] = True
    assert {tuple(map(tuple, one)) for one in mask} == {
        tuple(map(tuple, expected)),
        tuple(map(tuple, expected[:, ::-1])),
    }


@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("label", ["presence", "side"])
@pytest.mark.parametrize(("form", "cells"), [("image", 64), ("volume", 512)])
def test_the_posterior_is_that_of_explicit_densities(form: str, cells: int, label: str, places: int) -> None:
    options = {"size": 8, "radius": 1.0, "label": label, "places": places, "strengths": (1.0, 2.5), "form": form}
    task = load_task("spatial", n=30, seed=2, **options)
    many = load_task("spatial", n=200, seed=2, **options)
    masks = [np.unique(many.truth["mask"][many.y == c].reshape(-1, cells), axis=0).astype(float) for c in (0, 1)]
    assert len(masks[1]) == places
    noise = multivariate_normal(cov=np.eye(cells))
    density = np.zeros((2, 30))
    for c in (0, 1):
        for mask in masks[c]:
            log = np.zeros(30)
            for m, d in zip(task.samples.modalities, (1.0, 2.5), strict=True):
                amount = d / np.linalg.norm(masks[1][0] - masks[0][0])  # the class means are d apart
                log += noise.logpdf(m.values.reshape(30, -1) - amount * mask) + cells / 2 * np.log(2 * np.pi)
            density[c] += np.exp(log) / len(masks[c])
    assert task.truth["posterior"] == pytest.approx(density[1] / density.sum(axis=0), abs=1e-9)


def band(task, low: int, high: int) -> np.ndarray:
    """Real and imaginary parts of the Fourier coefficients with low <= frequency <= high along every axis or none."""
    x = task.samples.modality("m1").values[:, 0]
    frequency = np.abs(np.fft.fftfreq(x.shape[-1], 1 / x.shape[-1]))
    largest = np.maximum(frequency[:, None], frequency)
    inside = (largest >= low) & (largest <= high)
    spectrum = np.fft.fft2(x)[:, inside]
    return np.hstack([spectrum.real, spectrum.imag])


@pytest.mark.parametrize(("name", "telling", "silent"), [("detail", (4, 8), (0, 3)), ("coarse", (0, 2), (3, 8))])
def test_one_band_of_frequencies_tells_all_and_the_other_nothing(name: str, telling, silent) -> None:
    n = 12_000
    task = load_task(name, n=n, size=16, strengths=(2.0,), seed=1)
    rows = np.arange(n) < n // 2

    def score(x: np.ndarray) -> float:
        model = LogisticRegression(C=0.01).fit(x[rows] / x.std(), task.y[rows])
        return model.score(x[~rows] / x.std(), task.y[~rows])

    assert score(band(task, *telling)) == pytest.approx(norm.cdf(1.0), abs=0.03)
    assert score(band(task, *silent)) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(n // 2))


@pytest.mark.parametrize("name", ["detail", "coarse"])
def test_at_a_free_phase_pixels_tell_nothing_linearly_but_energies_do(name: str) -> None:
    n = 8_000
    task = load_task(name, n=n, size=8, strengths=(3.0,), phase="free", seed=1)
    rows = np.arange(n) < n // 2
    x = task.samples.modality("m1").values.reshape(n, -1)
    chance = LogisticRegression().fit(x[rows], task.y[rows]).score(x[~rows], task.y[~rows])
    assert chance == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(n // 2))
    energy = np.abs(np.fft.fft2(x.reshape(n, 8, 8)))
    f = 3 if name == "detail" else 1
    found = energy[:, f, 0] > energy[:, 0, f]
    assert np.mean(found == task.y) == pytest.approx(task.bayes["accuracy"], abs=4 * 0.5 / np.sqrt(n))
    assert task.bayes["accuracy"] == pytest.approx(1 - np.exp(-9 / 8) / 2)


@pytest.mark.parametrize("phase", ["fixed", "free"])
@pytest.mark.parametrize(("form", "grid"), [("image", (8, 8)), ("volume", (8, 8, 8))])
@pytest.mark.parametrize(("name", "cycles"), [("detail", 3), ("coarse", 1)])
def test_the_stripes_posterior_is_that_of_explicit_densities_over_all_phases(
    name: str, cycles: int, form: str, grid: tuple[int, ...], phase: str
) -> None:
    task = load_task(name, n=20, size=8, form=form, strengths=(2.0, 3.0), phase=phase, seed=4)
    cells = int(np.prod(grid))
    noise = multivariate_normal(cov=np.eye(cells))
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False) if phase == "free" else [0.0]
    density = np.zeros((2, 20))
    for angle in angles:
        wave = np.sqrt(2 / cells) * np.cos(2 * np.pi * cycles * np.arange(8) / 8 + angle)
        for c, stripe in enumerate((np.broadcast_to(wave, grid), np.broadcast_to(wave[:, None], grid))):
            log = sum(
                noise.logpdf(m.values.reshape(20, -1) - d / np.sqrt(2) * stripe.ravel()) + cells / 2 * np.log(2 * np.pi)
                for m, d in zip(task.samples.modalities, (2.0, 3.0), strict=True)
            )
            density[c] += np.exp(log)
    assert task.truth["posterior"] == pytest.approx(density[1] / density.sum(axis=0), abs=1e-9)
