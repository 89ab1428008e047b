"""The Bayes score of every planted task against what its true posterior scores on rows drawn from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from fusebench.datasets import load_task

N = 100_000
DRAWS = 20_000
"""Least number of draws behind a score that is itself a mean over draws."""
DRAWN = {"lag", "shift", "window", "window-connectivity"}
"""Tasks with such scores."""

CASES: list[tuple[str, dict[str, Any]]] = [
    ("add", {"widths": (3, 3, 3), "strengths": (1.0, 1.0, 1.0)}),
    ("add", {"widths": (3, 3), "strengths": (0.3, 2.0)}),
    ("add", {"widths": (3,), "strengths": (1.5,)}),
    ("xor", {"widths": (2, 2), "strengths": (4.0, 4.0)}),
    ("xor", {"widths": (2, 2), "strengths": (1.5, 3.0)}),
    ("xor", {"widths": (2, 2, 2), "strengths": (2.0, 3.0, 4.0)}),
    ("window", {"widths": (1, 2), "strengths": (0.4, 0.6)}),
    ("redund", {"widths": (2, 2, 2)}),
    ("redund", {"widths": (2, 1), "strengths": (1.0, 2.0), "flips": 0.3}),
    ("redund", {"widths": (2,), "strengths": (1.0,), "flips": 0}),
    ("unique", {"widths": (3, 3), "strength": 1.2, "informative": 2}),
    ("noisemod", {"widths": (3, 3), "strengths": (0.5, 1.5), "noise_width": 2}),
    ("spatial", {"size": 8, "radius": 1.5, "strengths": (1.0, 1.5)}),
    ("spatial", {"size": 8, "radius": 1.5, "label": "side", "strengths": (1.5,)}),
    ("detail", {"size": 8, "strengths": (1.0, 1.5)}),
    ("detail", {"size": 8, "strengths": (1.5, 2.0), "phase": "free"}),
    ("coarse", {"size": 8, "strengths": (1.0, 1.5)}),
    ("coarse", {"size": 8, "strengths": (3.0,), "phase": "free"}),
    ("pheno", {"width": 2}),
    ("pheno", {"width": 1, "strength": 0.7, "smooth": 1.0, "waves": 3}),
    ("roik", {"regions": 6, "features": 2, "k": 3, "strengths": (1.0, 0.5)}),
    ("window-connectivity", {"regions": 3, "length": 6, "strength": 1.0}),
    ("window-connectivity", {"regions": 2, "windows": 6, "length": 4, "strength": 2.0, "form": "signal"}),
    ("noisy", {"widths": (2, 2), "strengths": (1.0, 1.5), "rate": 0.3}),
    ("noisy", {"widths": (2, 2), "strengths": (1.0, 1.5), "noise": "class", "rate": (0.05, 0.4)}),
    ("noisy", {"widths": (2,), "strengths": (2.0,), "noise": "instance", "rate": 0.5}),
    ("mispair", {"widths": (2, 2), "strengths": (3.0, 2.0), "share": 0.3}),
    ("mispair", {"widths": (2, 2), "strengths": (1.0, 0.5), "share": 0.3, "over": "add"}),
    ("lag", {"length": 16, "lag": 3, "landmark": 1.0, "strengths": (0.5, 1.5, 1.0)}),
    ("shift", {"size": 8, "shift": 1, "landmark": 2.0, "strengths": (1.0, 2.0)}),
    ("site", {"widths": (2, 2), "strengths": (1.0, 0.7)}),
    ("site", {"widths": (2,), "strengths": (1.0,), "prevalences": (0.05, 0.9), "protocol": "folds"}),
    ("spatial", {"size": 8, "radius": 0.8, "places": 4, "strengths": (2.0, 1.0)}),
    ("spatial", {"size": 8, "radius": 1.0, "places": 2, "label": "side", "strengths": (2.5,)}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
_TWO = {"widths": (3, 3), "strengths": (1.0, 1.5)}
LARGE: list[tuple[str, dict[str, Any]]] = [
    ("spatial", {"size": 8, "radius": 1.5, "label": "side"}),
    ("spatial", {"size": 8, "radius": 1.5, "strengths": (1.0, 0.5)}),
    ("spatial", {"size": 8, "radius": 0.9, "places": 4, "strengths": (2.0, 1.0)}),
    ("detail", {"size": 8, "strengths": (1.0, 1.5)}),
    ("detail", {"size": 8, "phase": "free"}),
    ("coarse", {"size": 8, "strengths": (1.0, 1.5)}),
    ("coarse", {"size": 8, "phase": "free"}),
    ("shift", {"size": 8, "shift": 1, "landmark": 2.0, "strengths": (1.0, 2.0)}),
    ("pheno", {"width": 4}),
    *((name, _TWO) for name in ("add", "xor", "redund", "noisy", "mispair", "site")),
    ("unique", {"widths": (3, 3), "strength": 1.2}),
    ("noisemod", {**_TWO, "noise_width": 3}),
]
"""Tasks of images and volumes, which are drawn part by part."""
PARTS = 5
METRICS = {
    "accuracy": lambda y, p: accuracy_score(y, p > 0.5),
    "balanced_accuracy": lambda y, p: balanced_accuracy_score(y, p > 0.5),
    "auroc": roc_auc_score,
    "log_loss": log_loss,
    "brier": lambda y, p: 2 * np.mean((y - p) ** 2),
}


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_the_true_posterior_scores_what_the_task_says_and_is_calibrated(name: str, options: dict[str, Any]) -> None:
    task = load_task(name, n=N, **options, seed=1)
    check(name, options, task.bayes, task.y, task.truth["posterior"])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["image", "volume"])
@pytest.mark.parametrize(("name", "options"), LARGE, ids=[f"{name}-{i}" for i, (name, _) in enumerate(LARGE)])
def test_so_it_does_on_as_many_images_and_volumes(name: str, options: dict[str, Any], form: str) -> None:
    labels, posteriors = [], []
    for seed in range(PARTS):  # one part at a time in memory; the best scores are the same for every seed
        task = load_task(name, n=N // PARTS, form=form, **options, seed=seed)
        assert {form} <= {m.kind for m in task.samples.modalities} <= {form, "phenotype"}
        labels.append(task.y)
        posteriors.append(task.truth["posterior"])
        bayes = task.bayes
    check(name, options, bayes, np.concatenate(labels), np.concatenate(posteriors))


def check(name: str, options: dict[str, Any], bayes: dict[str, float], y: np.ndarray, p: np.ndarray) -> None:
    """The posterior's scores are the task's within four standard errors, and it is right as often as it says."""
    assert len(y) == N
    right = np.where(y == 1, p, 1 - p)
    spread = {"log_loss": np.log(right).std(), "brier": (2 * (1 - right) ** 2).std()}
    drawn = name in DRAWN or "places" in options
    four_sigma = 4 * (1 / np.sqrt(N) + (1 / np.sqrt(DRAWS) if drawn else 0.0))
    assert {"accuracy"} <= set(bayes)
    for metric in METRICS.keys() & bayes.keys():
        measured = METRICS[metric](y, p)
        assert measured == pytest.approx(bayes[metric], abs=four_sigma * spread.get(metric, 0.5)), metric
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (p > low) & (p <= low + 0.1)
        if inside.sum() > 1000:
            assert y[inside].mean() == pytest.approx(p[inside].mean(), abs=4 * 0.5 / np.sqrt(inside.sum()))
