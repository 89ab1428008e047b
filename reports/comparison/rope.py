"""Regions of practical equivalence: differences that nobody would act on."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = 0.01
WIDTHS: Mapping[str, float] = {"log_loss": 0.02, "brier": 0.01}


def rope(metric: str) -> float:
    """Half the width of the region: a hundredth of a score unless the metric has its own."""
    return WIDTHS.get(metric, DEFAULT)
