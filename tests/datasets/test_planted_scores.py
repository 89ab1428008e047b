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
    ("spatial", {"n": 20_000, "size": 8, "radius": 1.5, "form": "volume", "label": "side"}),
    ("detail", {"size": 8, "strengths": (1.0, 1.5)}),
    ("detail", {"size": 8, "strengths": (1.5, 2.0), "phase": "free"}),
    ("detail", {"n": 20_000, "size": 8, "form": "volume"}),
    ("coarse", {"size": 8, "strengths": (1.0, 1.5)}),
    ("coarse", {"size": 8, "strengths": (3.0,), "phase": "free"}),
    ("coarse", {"n": 20_000, "size": 8, "form": "volume", "phase": "free"}),
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
    ("shift", {"n": 20_000, "size": 8, "shift": 1, "form": "volume", "strengths": (1.0, 2.0)}),
    ("site", {"widths": (2, 2), "strengths": (1.0, 0.7)}),
    ("site", {"widths": (2,), "strengths": (1.0,), "prevalences": (0.05, 0.9), "protocol": "folds"}),
    ("spatial", {"size": 8, "radius": 0.8, "places": 4, "strengths": (2.0, 1.0)}),
    ("spatial", {"size": 8, "radius": 1.0, "places": 2, "label": "side", "strengths": (2.5,)}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
METRICS = {
    "accuracy": lambda y, p: accuracy_score(y, p > 0.5),
    "balanced_accuracy": lambda y, p: balanced_accuracy_score(y, p > 0.5),
    "auroc": roc_auc_score,
    "log_loss": log_loss,
    "brier": lambda y, p: 2 * np.mean((y - p) ** 2),
}


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_the_true_posterior_scores_what_the_task_says_and_is_calibrated(name: str, options: dict[str, Any]) -> None:
    task = load_task(name, **{"n": N, **options}, seed=1)
    n, y, p = len(task), task.y, task.truth["posterior"]
    right = np.where(y == 1, p, 1 - p)
    spread = {"log_loss": np.log(right).std(), "brier": (2 * (1 - right) ** 2).std()}
    drawn = name in DRAWN or "places" in options
    four_sigma = 4 * (1 / np.sqrt(n) + (1 / np.sqrt(DRAWS) if drawn else 0.0))
    assert {"accuracy"} <= set(task.bayes)
    for metric in METRICS.keys() & task.bayes.keys():
        measured = METRICS[metric](y, p)
        assert measured == pytest.approx(task.bayes[metric], abs=four_sigma * spread.get(metric, 0.5)), metric
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (p > low) & (p <= low + 0.1)
        if inside.sum() > 1000:
            assert y[inside].mean() == pytest.approx(p[inside].mean(), abs=4 * 0.5 / np.sqrt(inside.sum()))
