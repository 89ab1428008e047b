"""Checks of probabilities: calibrated, and what recalibration would change."""

from __future__ import annotations

from collections.abc import Iterator

from ..evaluation import RECALIBRATED, Evaluation, kept
from .check import Remark, each

MISCALIBRATED = 0.05
RECALIBRATION_GAIN = 0.1


def miscalibrated(evaluation: Evaluation) -> Iterator[Remark]:
    """Even the low end of the interval of the smooth calibration error is large. Do not use the numbers as risks."""
    for task, name in each(evaluation):
        figure = task.score("smooth_ece").estimate(name)
        if name not in task.constant and figure.bounded and figure.low > MISCALIBRATED:
            gap = task.score("confidence_gap").estimate(name).value
            lean = "over-confident" if gap > 0 else "under-confident"
            yield Remark(
                task.info.name,
                name,
                f"smooth ECE {figure.value:.3f}, interval from {figure.low:.3f}; {lean} by {abs(gap):.3f}",
            )


def recalibrate(evaluation: Evaluation) -> Iterator[Remark]:
    """One temperature, fitted on validation rows, lowers the log-loss by a tenth or more. Apply it."""
    for task, name in each(evaluation):
        raw, warm = task.score("log_loss").estimate(name), task.score("log_loss", RECALIBRATED).estimate(name)
        if warm.known and raw.value > 0 and (raw.value - warm.value) / raw.value >= RECALIBRATION_GAIN:
            yield Remark(
                task.info.name, name, f"log-loss {raw.value:.3f} falls to {warm.value:.3f} after temperature scaling"
            )


def no_validation(evaluation: Evaluation) -> Iterator[Remark]:
    """Without out-of-fold validation probabilities nothing can be recalibrated; run it, or import them as well."""
    for task, name in each(evaluation):
        if any(not kept(row.val_proba) for row in task.ok_of(name)):
            yield Remark(task.info.name, name, "no validation probabilities were kept: nothing to fit a temperature on")
