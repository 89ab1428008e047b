"""What may be tuned, as plain records; the harness turns them into trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Real:
    """A real number between two bounds, on a log scale if asked."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both included, on a log scale if asked."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values: strings, numbers, booleans or None."""

    options: tuple[str | float | int | bool | None, ...]


SearchSpace = Mapping[str, Real | Whole | Choice]
