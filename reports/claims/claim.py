"""A claim, the evidence for it, and the rule that turns evidence into a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import stats

from ..evaluation import Evaluation
from ..statistics.friedman import holm, least_p
from ..statistics.intervals import UNKNOWN, Estimate, corrected_t

LEVEL = 0.05
Word = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Evidence:
    """What the results hold on a claim: its effect on each task, above zero where it speaks for the claim.

    ``decided`` overrules the rule for claims that no mean over tasks can settle; ``told`` adds what else was seen.
    """

    by_task: Mapping[str, float] = field(default_factory=dict)
    decided: Word | None = None
    told: str = ""


@dataclass(frozen=True)
class Claim:
    """A statement: ``source`` is its section in the review, or empty; ``test`` in words.

    ``decides``: the run that would give more evidence.
    """

    key: str
    statement: str
    source: str
    test: str
    decides: str
    evidence: Callable[[Evaluation, str], Evidence]

    @property
    def title(self) -> str:
        """The statement, with its place in the review where that is known."""
        return f"{self.statement} ({self.source})" if self.source else self.statement


@dataclass(frozen=True)
class Verdict:
    """A claim with its mean effect over tasks, the p of its t test after Holm, and what follows."""

    claim: Claim
    effect: Estimate
    p: float
    word: Word
    evidence: Evidence

    @property
    def why(self) -> str:
        """Behind the verdict: how many tasks, what was seen, and for an open claim what would decide it."""
        count = len(self.evidence.by_task)
        told = [f"{count} {'task' if count == 1 else 'tasks'}"] if count else []
        told += [self.evidence.told] if self.evidence.told else []
        told = told or ["no evidence in these results"]
        told += [f"would be decided by {self.claim.decides}"] if self.word == "undecided" else []
        return "; ".join(told)


def decide(claims: tuple[Claim, ...], evaluation: Evaluation, primary: str) -> tuple[Verdict, ...]:
    """All verdicts. P values are corrected after Holm for as many claims as have one."""
    found = [claim.evidence(evaluation, primary) for claim in claims]
    effects, ps = [], []
    for own in found:
        values = np.array(list(own.by_task.values()), dtype=np.float64)
        effects.append(corrected_t(values, 0.0) if len(values) else UNKNOWN)
        ps.append(_p(values) if own.decided is None else float("nan"))
    adjusted = holm(np.array(ps))
    return tuple(
        Verdict(claim, effect, float(p), own.decided or _word(effect, float(p)), own)
        for claim, own, effect, p in zip(claims, found, effects, adjusted, strict=True)
    )


def _p(values: np.ndarray) -> float:
    """Two-sided, of a t test that the mean over tasks is zero; NaN with fewer than two tasks."""
    if len(values) < 2:
        return float("nan")
    if np.ptp(values) < 1e-12:
        return 1.0 if abs(values[0]) < 1e-12 else least_p(len(values))
    return float(stats.ttest_1samp(values, 0.0).pvalue)


def _word(effect: Estimate, p: float) -> Word:
    if not np.isfinite(p) or p >= LEVEL:
        return "undecided"
    return "supported" if effect.value > 0 else "contradicted"
