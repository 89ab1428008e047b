"""Checks of the data: too few rows, imbalance, confounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association

from ..evaluation import Evaluation
from .check import Remark

FEW_ROWS, FEW_IN_CLASS = 30, 10
IMBALANCED = 0.8
ASSOCIATED, UNLIKELY = 0.3, 1e-3


def few_rows(evaluation: Evaluation) -> Iterator[Remark]:
    """Small test sets bias calibration errors upwards, and classes of a few rows make scores jump."""
    for task in evaluation.tasks.values():
        sizes = [len(row.y) for row in task.ok.values()]
        if sizes and min(sizes) < FEW_ROWS:
            yield Remark(
                task.info.name, "", f"a test set has only {min(sizes)} rows: calibration errors are biased upwards"
            )
        counts = dict(zip(task.info.classes, task.info.class_counts, strict=False))
        small = [f"{label} ({count})" for label, count in counts.items() if count < FEW_IN_CLASS]
        if small:
            yield Remark(task.info.name, "", f"classes with under {FEW_IN_CLASS} rows: {', '.join(small)}")


def imbalanced(evaluation: Evaluation) -> Iterator[Remark]:
    """One class holds most rows, so that accuracy flatters a guess. Read balanced accuracy and AUROC."""
    for task in evaluation.tasks.values():
        counts = task.info.class_counts
        if counts and max(counts) / sum(counts) > IMBALANCED:
            yield Remark(
                task.info.name,
                "",
                f"the largest class holds {max(counts) / sum(counts):.0%} of the rows: read balanced accuracy",
            )


def confounded(evaluation: Evaluation) -> Iterator[Remark]:
    """A site, a sex or another group predicts the label: methods may have learnt it. Score within groups."""
    for task in evaluation.tasks.values():
        truth: dict[int, int] = {}
        for row in task.ok.values():
            truth.update(zip(np.asarray(row.rows).tolist(), np.asarray(row.y).tolist(), strict=True))
        rows, y = np.array(list(truth)), np.array(list(truth.values()))
        for name, labels, codes, shown in task.info.subgroups if len(rows) else ():
            if not shown:
                continue
            counts = np.zeros((len(labels), len(task.info.classes)), dtype=int)
            known = codes[rows] >= 0
            np.add.at(counts, (codes[rows][known], y[known]), 1)
            counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
            if min(counts.shape) < 2:
                continue
            strength = float(association(counts, method="cramer"))
            if strength > ASSOCIATED and chi2_contingency(counts).pvalue < UNLIKELY:
                yield Remark(task.info.name, "", f"{name} and the label go together (Cramer's V {strength:.2f})")
