"""What fusing methods gain over a single modality: over the best such method, and each over itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.registry import METRICS
from ..models.subsets import gain_of, subset_scores
from ..statistics.intervals import UNKNOWN, Estimate, gain, losses


@dataclass(frozen=True)
class Gain:
    """One fusing method. All differences are turned so that above zero is better.

    ``over_single``: against the best method on a single modality, paired. ``over_self``: all modalities against the
    best of its own fits on one of them, ``modality``; unknown where it was not run so.
    """

    method: str
    over_single: Estimate
    over_self: Estimate = UNKNOWN
    modality: str = ""

    @property
    def verdict(self) -> str:
        """What the interval says: "gains", "loses", "not told apart", or "unknown" without one."""
        return verdict(self.over_single)


@dataclass(frozen=True)
class FusionGains:
    """``single``: the best method on one modality; ``gains``: the fusing methods that ended well, best first."""

    single: str
    gains: tuple[Gain, ...]

    def count(self, told: str) -> int:
        """How many fusing methods have a verdict."""
        return sum(gain.verdict == told for gain in self.gains)


def verdict(gain: Estimate) -> str:
    """A gain in a word: by its interval alone."""
    if not gain.bounded:
        return "unknown"
    if not gain.excludes(0.0):
        return "not told apart"
    return "gains" if gain.value > 0 else "loses"


def single_methods(evaluation: Evaluation, task: TaskEvaluation) -> list[str]:
    """Methods that use one modality; one that never looks at any uses none."""
    return [n for n in task.methods if evaluation.info(n).fusion == "none" and n not in task.constant]


def fusing_methods(evaluation: Evaluation, task: TaskEvaluation) -> list[str]:
    """Methods that are known to fuse."""
    return [n for n in task.methods if evaluation.info(n).fusion not in ("none", "unknown")]


def fusion_gains(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> FusionGains | None:
    """The gains of all complete fusing methods; None where there is no method on a single modality, or none that fuses.

    The best single method is chosen by its test score, among few, which favours it a little: a gain is not flattered.
    """
    return task.memory.once("fusion gains", primary, lambda: _fusion_gains(evaluation, task, primary))


def _fusion_gains(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> FusionGains | None:
    scores = task.score(primary)
    single = scores.only(single_methods(evaluation, task)).best
    fusing = [n for n in fusing_methods(evaluation, task) if scores.complete[scores.methods.index(n)]]
    if single is None or not fusing or len(task.info.modalities) < 2:
        return None
    direction = METRICS[primary].direction
    own = _over_self(evaluation, task, primary)
    gains = [
        Gain(name, gain(scores.difference(name, single), direction), *own.get(name, (UNKNOWN, ""))) for name in fusing
    ]
    known = [gain for gain in gains if gain.over_single.known]
    return FusionGains(single, tuple(sorted(known, key=lambda gain: -gain.over_single.value))) if known else None


def _over_self(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Mapping[str, tuple[Estimate, str]]:
    """All modalities against the best of them alone, for each method that was run on subsets."""
    scored = subset_scores(evaluation, task, primary)
    names = tuple(name for name, _, _ in task.info.modalities)
    direction = METRICS[primary].direction
    found = {}
    for method, rows in scored.groupby("method", sort=False):
        parts = rows.groupby("modalities", sort=False)
        by_subset: dict[Any, pd.Series] = {key: own.set_index("split")["score"] for key, own in parts}
        whole = by_subset.get(names)
        alone = {n: by_subset[(n,)] for n in names if (n,) in by_subset}
        if whole is None or not alone:
            continue
        best = min(alone, key=lambda n: float(losses(alone[n].to_numpy(), direction).mean()))
        found[str(method)] = (gain_of(task, whole, alone[best], direction), best)
    return found
