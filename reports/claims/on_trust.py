"""Evidence on shift, small data and calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..evaluation import Evaluation, TaskEvaluation
from .claim import Evidence
from .groups import known, mean_of, mean_over_splits, members, skill, turned

OTHERS = ("baseline", "kernel", "boosting", "ensemble", "neural", "cnn", "vit", "gnn")
NETWORKS = ("neural", "cnn", "vit", "gnn")


def shifted(task: TaskEvaluation) -> bool:
    """Whether test rows come from elsewhere than training rows: sites that training never saw."""
    return "site" in task.info.protocol.lower()


def graphs_lose_under_shift(evaluation: Evaluation, primary: str) -> Evidence:
    """Out-of-fold score on the training sites less score on the unseen site: graphical models less all others."""
    found = {}
    for name, task in evaluation.tasks.items():
        if not shifted(task):
            continue
        scores = skill(task, primary)
        drops = []
        for families in (("graphical",), OTHERS):
            names = [n for n in members(evaluation, task, family=families) if not task.guessing(n)]
            own = [mean_over_splits(task, n, primary, "val_y", "val_proba") - mean_of(scores, [n]) for n in names]
            drops.append(np.nanmean(own) if np.isfinite(own).any() else np.nan)
        found[name] = float(drops[0] - drops[1])
    return Evidence(known(found))


def learning_curves(evaluation: Evaluation, primary: str) -> pd.DataFrame:
    """Mean score, more is better, by task, method and share of the training rows; with family and training rows."""
    return evaluation.memory.once("learning curves", primary, lambda: _learning_curves(evaluation, primary))


def _learning_curves(evaluation: Evaluation, primary: str) -> pd.DataFrame:
    frame = evaluation.results.outcomes
    tasks = set(frame.loc[frame["fraction"] < 1, "task"])
    methods = set(frame.loc[frame["fraction"] < 1, "method"])
    whole = frame["modalities"].map(len) == frame["task"].map(lambda t: len(evaluation.results.tasks[t].modalities))
    own = frame[frame["task"].isin(tasks) & frame["method"].isin(methods) & whole & (frame["status"] == "ok")]
    scores = [turned(primary, y, proba) for y, proba in zip(own["y"], own["proba"], strict=True)]
    kept = own[["task", "method", "fraction", "n_train"]].assign(score=np.array(scores, dtype=float))
    means = kept.groupby(["task", "method", "fraction"], as_index=False)[["n_train", "score"]].mean()
    return means.assign(family=[evaluation.info(name).family for name in means["method"]])


def networks_need_more_data(evaluation: Evaluation, primary: str) -> Evidence:
    """From the fewest training rows to all: how much more networks gain than kernel methods."""
    curves = learning_curves(evaluation, primary)
    found = {}
    for name, own in curves.groupby("task", sort=False):
        ends = []
        for families in (NETWORKS, ("kernel",)):
            part = own[own["family"].isin(families)]
            wide = part.pivot_table(index="method", columns="fraction", values="score").dropna()
            ends.append((wide.iloc[:, -1] - wide.iloc[:, 0]).mean() if wide.shape[1] > 1 and len(wide) else np.nan)
        found[str(name)] = float(ends[0] - ends[1])
    return Evidence(known(found))


def _worse_calibrated(evaluation: Evaluation, family: str) -> Evidence:
    found = {}
    for name, task in evaluation.tasks.items():
        scores = task.score("smooth_ece")
        ours, theirs = members(evaluation, task, family=NETWORKS), members(evaluation, task, family=family)
        found[name] = mean_of(scores, ours) - mean_of(scores, theirs)
    return Evidence(known(found))


def worse_calibrated_than_kernels(evaluation: Evaluation, primary: str) -> Evidence:
    """Smooth ECE of the probabilities as given: networks less kernel methods."""
    return _worse_calibrated(evaluation, "kernel")


def worse_calibrated_than_graphs(evaluation: Evaluation, primary: str) -> Evidence:
    """Smooth ECE of the probabilities as given: networks less graphical models."""
    return _worse_calibrated(evaluation, "graphical")
