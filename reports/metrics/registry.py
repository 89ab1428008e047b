"""Metrics as records: a card, and the pure functions of truth and probabilities that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .cards import METRIC_CARDS, Direction, MetricCard

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A metric that can be called. ``key``, ``title``, ``direction`` and ``needs`` are those of its card."""

    card: MetricCard
    function: Callable[[Codes, Floats], float]
    weighted: Callable[[Codes, Floats, Floats], Floats] | None = None

    @property
    def key(self) -> str:
        """Name in frames and tables."""
        return self.card.key

    @property
    def title(self) -> str:
        """Column head."""
        return self.card.title

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.card.direction

    @property
    def needs(self) -> str:
        """What the function looks at."""
        return self.card.needs

    def __call__(self, y: Codes, proba: Floats) -> float:
        """The score of probabilities (n, C) against codes (n,); NaN where it is undefined."""
        return self.function(y, proba)

    def resample(self, y: Codes, proba: Floats, weights: Floats) -> Floats:
        """The score under each row of whole-number case weights (B, n): shape (B,)."""
        if self.weighted is not None:
            return self.weighted(y, proba, weights)
        rows = [np.repeat(np.arange(len(y)), w.astype(int)) for w in weights]
        return np.array([self.function(y[r], proba[r]) for r in rows])


def bind(card: MetricCard) -> Metric:
    """The metric of a card: its functions are looked up in this room."""
    return Metric(card, _named(card.function), _named(card.resample) if card.resample else None)


def _named(where: str) -> Callable[..., Any]:
    module, name = where.split(":")
    function: Callable[..., Any] = getattr(import_module(f".{module}", __package__), name)
    return function


METRICS: Mapping[str, Metric] = MappingProxyType({card.key: bind(card) for card in METRIC_CARDS})
