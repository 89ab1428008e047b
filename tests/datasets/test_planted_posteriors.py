"""PHENO, ROIK, SHIFT, SITE, NOISY, MISPAIR: the true posterior against Bayes' rule over explicit densities.

Every hidden state is summed over by hand. Class means are no secret of the generators: the same seed with hardly any
strength gives the same noise, and the difference is the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import bernoulli, multivariate_normal, uniform

from fusebench.datasets import Task, load_task

ROWS = 60
NONE = 1e-30


def cells(task: Task, name: str) -> np.ndarray:
    """The values of a modality that are free, (n, cells): of a connectivity, those above its diagonal."""
    values = task.samples.modality(name).values
    if task.samples.modality(name).kind == "connectivity":
        return values[:, *np.triu_indices(values.shape[1], 1)]
    return values.reshape(len(values), -1)


def mean_of_ones(strong: Task, faint: Task, name: str, shown: np.ndarray, distance: float) -> np.ndarray:
    """Mean of a modality where the shown bit is 1, (cells,): half the distance from 0, and its negative for bit 0."""
    moved = (cells(strong, name) - cells(faint, name)) * (2 * shown[:, None] - 1)
    assert np.abs(moved - moved[0]).max() < 1e-12
    assert np.linalg.norm(moved[0]) == pytest.approx(distance / 2, abs=1e-12)
    return moved[0]


def bit_densities(x: np.ndarray, mean: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Log-density of rows for bits 0 and 1, (n, 2), where a scanner multiplies and shifts what is N(-+mean, I)."""
    identity = scale**2 * np.eye(len(mean))
    return np.column_stack(
        [multivariate_normal(scale * sign * mean + offset, identity).logpdf(x) for sign in (-1.0, 1.0)]
    )


def bayes_rule(log_joint: np.ndarray) -> np.ndarray:
    """P(class 1), (n,), from log P(row, class), (n, 2)."""
    return np.exp(log_joint[:, 1] - logsumexp(log_joint, axis=1))


def gaussian_evidence(
    name: str, strengths: Sequence[float], shown: Callable[[Task], np.ndarray], **options: Any
) -> tuple[Task, np.ndarray]:
    """The task, and log-densities (n, M, 2) of its modalities for bits 0 and 1; the true ones are (n, M) ``shown``."""
    task, faint = (load_task(name, n=ROWS, strengths=d, **options) for d in (strengths, [NONE] * len(strengths)))
    densities = []
    for m, d in enumerate(strengths):
        mean = mean_of_ones(task, faint, f"m{m + 1}", shown(task)[:, m], d)
        densities.append(bit_densities(cells(task, f"m{m + 1}"), mean))
    return task, np.stack(densities, axis=1)


def test_pheno() -> None:
    smooth, waves, strength = 2.5, 2, 1.3
    options = {"n": ROWS, "width": 3, "smooth": smooth, "waves": waves, "seed": 3}
    task, faint = (load_task("pheno", strength=d, **options) for d in (strength, NONE))
    log = bit_densities(cells(task, "measure"), mean_of_ones(task, faint, "measure", task.y, strength))
    age, sex, _ = task.samples.modality("phenotype").values.T
    men = task.samples.modality("phenotype").categories["sex"].index("m")
    wave = smooth * np.sin(2 * np.pi * waves * (age - 20) / 60)
    prior = []
    for c in (0, 1):
        log[:, c] += np.log(0.5) + uniform(20, 60).logpdf(age)
        log[:, c] += bernoulli(expit(wave if c else -wave)).logpmf(sex == men)
        prior.append(bernoulli(expit(wave if c else -wave)).pmf(sex == men))
    assert task.truth["posterior"] == pytest.approx(bayes_rule(log), abs=1e-9)
    assert task.truth["prior"] == pytest.approx(prior[1] / (prior[0] + prior[1]), abs=1e-9)


def test_roik() -> None:
    strengths = (1.2, 1.7)
    options = {"n": ROWS, "regions": 6, "features": 2, "k": 3, "seed": 3}
    task, faint = (load_task("roik", strengths=d, **options) for d in (strengths, (NONE, NONE)))
    log = np.full((ROWS, 2), np.log(0.5))
    for name, d in zip(("roi", "connectivity"), strengths, strict=True):
        log += bit_densities(cells(task, name), mean_of_ones(task, faint, name, task.y, d))
    assert task.truth["posterior"] == pytest.approx(bayes_rule(log), abs=1e-9)


@pytest.mark.parametrize("form", ["image", "volume"])
def test_shift(form: str) -> None:
    size, width, landmark, strengths = 8, 0.9, 1.5, (0.8, 2.0, 1.4)
    axes = 2 if form == "image" else 3
    n = ROWS if form == "image" else 20
    options = {"form": form, "size": size, "shift": 1, "width": width, "landmark": landmark}
    task = load_task("shift", n=n, strengths=strengths, seed=3, **options)
    centres = [[size // 2] * (axes - 1) + [last] for last in (size // 4, size // 4 + size // 2)]
    grid = np.stack(np.meshgrid(*[np.arange(size)] * axes, indexing="ij"), axis=-1)
    left, right = (
        np.exp(-(np.minimum(abs(grid - c), size - abs(grid - c)) ** 2).sum(axis=-1) / (2 * width**2)) for c in centres
    )
    common, differs = ((one / np.linalg.norm(one)) for one in (left + right, left - right))
    noise = multivariate_normal(cov=np.eye(size**axes))
    log = np.full((n, 2), np.log(0.5))
    for m, d in enumerate(strengths):
        steps = list(product((-1, 0, 1), repeat=axes)) if m else [(0,) * axes]
        for c in (0, 1):
            means = [
                np.roll(landmark * common + (c - 0.5) * d * differs, step, tuple(range(axes))).ravel() for step in steps
            ]
            x = cells(task, f"m{m + 1}").astype(np.float64)
            each = [noise.logpdf(x - mean) for mean in means]
            log[:, c] += logsumexp(each, axis=0) - np.log(len(steps))
    assert task.truth["posterior"] == pytest.approx(bayes_rule(log), abs=1e-9)


def test_site() -> None:
    strengths, shares = (1.0, 1.6), (0.2, 0.5, 0.8)
    options = {"n": ROWS, "widths": (2, 3), "prevalences": shares, "seed": 3}
    task = load_task("site", strengths=strengths, gain=0.6, offset=1.5, **options)
    plain, faint = (load_task("site", strengths=d, gain=0, offset=0, **options) for d in (strengths, (NONE, NONE)))
    log = np.zeros((ROWS, 2))
    for s, share in enumerate(shares):
        here = task.samples.sites == f"site {s + 1}"
        log[here] += np.log([1 - share, share])
        for m, d in enumerate(strengths):
            (scale,), (offset,) = (np.unique(task.truth[what][here, m]) for what in ("gain", "offset"))
            mean = mean_of_ones(plain, faint, f"m{m + 1}", task.y, d)
            log[here] += bit_densities(cells(task, f"m{m + 1}")[here], mean, scale, offset)
    assert task.truth["posterior"] == pytest.approx(bayes_rule(log), abs=1e-9)


@pytest.mark.parametrize(("noise", "rate"), [("symmetric", 0.3), ("class", (0.05, 0.4)), ("instance", 0.45)])
def test_noisy(noise: str, rate: Any) -> None:
    options = {"widths": (2, 3), "noise": noise, "rate": rate, "seed": 3}
    task, densities = gaussian_evidence(
        "noisy", (1.0, 0.8), lambda t: np.column_stack([t.truth["clean"]] * 2), **options
    )
    clean = bayes_rule(np.log(0.5) + densities.sum(axis=1))
    joint = np.zeros((ROWS, 2))
    for c, label in product((0, 1), repeat=2):
        turned = np.broadcast_to(rate, 2)[c] * (2 * np.minimum(clean, 1 - clean) if noise == "instance" else 1.0)
        joint[:, label] += 0.5 * np.exp(densities[:, :, c].sum(axis=1)) * (turned if label != c else 1 - turned)
    assert task.truth["clean_posterior"] == pytest.approx(clean, abs=1e-9)
    assert task.truth["posterior"] == pytest.approx(joint[:, 1] / joint.sum(axis=1), abs=1e-9)


@pytest.mark.parametrize("over", ["xor", "add"])
def test_mispair(over: str) -> None:
    def shown(task: Task) -> np.ndarray:
        if over == "add":
            return np.repeat(task.y[:, None], 3, axis=1)
        bits = task.truth["bits"].copy()
        bits[:, 1] = bits[task.truth["partner"], 1]
        return bits

    options = {"widths": (2, 3, 2), "share": 0.4, "over": over, "seed": 3}
    task, densities = gaussian_evidence("mispair", (1.5, 2.5, 2.0), shown, **options)
    share = task.truth["mispaired"].mean()
    assert share == pytest.approx(0.4, abs=1e-12)
    density, joint = np.exp(densities), np.zeros((ROWS, 2))
    subjects = [b for b in product((0, 1), repeat=3) if over == "xor" or len(set(b)) == 1]
    for c in (0, 1):
        of_class = [b for b in subjects if (sum(b) % 2 == c if over == "xor" else b[0] == c)]
        for own, other in product(of_class, repeat=2):
            # With a chance of the share, the second modality is that of another subject of the class.
            for second, weight in ((own[1], 1 - share), (other[1], share)):
                likelihood = density[:, 0, own[0]] * density[:, 1, second] * density[:, 2, own[2]]
                joint[:, c] += 0.5 * weight * likelihood / len(of_class) ** 2
    assert task.truth["posterior"] == pytest.approx(joint[:, 1] / joint.sum(axis=1), abs=1e-9)
