"""Evidence on what fusion gains, where it fails, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..comparison.in_task import against_best
from ..evaluation import Evaluation
from ..fusion.gains import fusion_gains
from .claim import LEVEL, Evidence
from .groups import known, mean_of, mean_over_splits, members, seconds, skill

SOLVED = 0.65
AT_CHANCE = 0.05


def fusing_beats_single(evaluation: Evaluation, primary: str) -> Evidence:
    """Median gain of the fusing methods over the best method on one modality."""
    found = {}
    for name, task in evaluation.tasks.items():
        gains = fusion_gains(evaluation, task, primary)
        if gains is not None:
            found[name] = float(np.median([gain.over_single.value for gain in gains.gains]))
    return Evidence(known(found))


def early_overfits(evaluation: Evaluation, primary: str) -> Evidence:
    """Score on fitted rows less score on test rows: early less late fusion, within families that have both."""
    found = {}
    for name, task in evaluation.tasks.items():
        scores = skill(task, primary)
        gaps = []
        for family in {evaluation.info(m).family for m in task.methods}:
            sides = []
            for fusion in ("early", "late"):
                names = members(evaluation, task, family=family, fusion=fusion)
                own = [
                    mean_over_splits(task, n, primary, "train_y", "train_proba") - mean_of(scores, [n]) for n in names
                ]
                sides.append(float(np.nanmean(own)) if np.isfinite(own).any() else float("nan"))
            gaps.append(sides[0] - sides[1])
        found[name] = float(np.nanmean(gaps)) if np.isfinite(gaps).any() else float("nan")
    return Evidence(known(found))


def late_misses_interactions(evaluation: Evaluation, primary: str) -> Evidence:
    """On XOR, where no modality tells anything alone: whether the best late fusion is near chance, and others not."""
    found, told, words = {}, [], []
    for name, task in evaluation.tasks.items():
        if not (task.info.planted and name.split("-")[0] == "xor"):
            continue
        scores = task.score("balanced_accuracy")
        late = scores.only(members(evaluation, task, fusion="late")).best
        other = scores.only(members(evaluation, task, fusion=("early", "intermediate", "hybrid"))).best
        if late is None or other is None:
            continue
        top, best = scores.estimate(late), scores.estimate(other)
        chance = 1 / len(task.info.classes)
        found[name] = best.value - top.value
        told.append(f"best late {top.value:.3f}, best other {best.value:.3f}")
        if best.bounded and best.low > SOLVED and top.bounded:
            words.append("supported" if top.high < chance + AT_CHANCE else "")
            words.append("contradicted" if top.low > chance + AT_CHANCE else "")
    said = {word for word in words if word}
    decided = "undecided" if len(said) != 1 else "supported" if "supported" in said else "contradicted"
    return Evidence(found, decided, "; ".join(told))  # type: ignore[arg-type]


def hybrid_costs_more(evaluation: Evaluation, primary: str) -> Evidence:
    """Hybrid fusion against the better of early and late in its family: seconds, and whether the score pays."""
    ratios, gains = {}, {}
    for name, task in evaluation.tasks.items():
        scores = skill(task, primary)
        pairs = []
        for hybrid in members(evaluation, task, fusion="hybrid"):
            family = evaluation.info(hybrid).family
            others = members(evaluation, task, family=family, fusion=("early", "late"))
            if others:
                best = max(others, key=lambda n: mean_of(scores, [n]))
                gain = mean_of(scores, [hybrid]) - mean_of(scores, [best])
                pairs.append((np.log(seconds(task, hybrid) / seconds(task, best)), gain))
        if pairs:
            ratios[name], gains[name] = np.mean(pairs, axis=0)
    if not gains:
        return Evidence()
    times = float(np.exp(np.mean(list(ratios.values()))))
    costs = f"{times:.1f} times the seconds of the better one"
    # The claim is that the gain does not pay: no gain at more cost. A sure gain speaks against it, a sure loss for it.
    return Evidence({name: -gain for name, gain in known(gains).items()}, None if times > 1 else "contradicted", costs)


def none_is_best_everywhere(evaluation: Evaluation, primary: str) -> Evidence:
    """Whether every method is distinguishably worse than the best on some task, Bonferroni over tasks."""
    tasks = list(evaluation.tasks.values())
    beaten: dict[str, bool] = {}
    for task in tasks:
        compared = against_best(task, primary)
        for own in compared[1] if compared else ():
            worse = own.by_splits.value < 0 and own.p < LEVEL / len(tasks)
            beaten[own.method] = beaten.get(own.method, False) or bool(worse)
        if compared:
            beaten.setdefault(compared[0], False)
    everywhere = np.atleast_1d(evaluation.across(lambda t: t.score(primary))[1].all(axis=0))
    candidates = {name for name, whole in zip(evaluation.methods, everywhere, strict=True) if whole and name in beaten}
    never = sorted(name for name in candidates if not beaten[name])
    told = f"{len(candidates) - len(never)} of {len(candidates)} methods are distinguishably beaten on some task"
    if len(tasks) < 2 or not candidates:
        return Evidence(decided="undecided", told="one task" if len(tasks) == 1 else "")
    return Evidence(decided="undecided" if never else "supported", told=told)


def deeper_costs_more(evaluation: Evaluation, primary: str) -> Evidence:
    """The same method with more layers against fewer: whether the score gains for the seconds that it costs."""
    gains, logs = {}, []
    for name, task in evaluation.tasks.items():
        scores = skill(task, primary)
        own = []
        names = [n for n in members(evaluation, task) if _depth(evaluation.info(n).settings) is not None]
        for deep in names:
            for shallow in names:
                a, b = evaluation.info(deep), evaluation.info(shallow)
                if a.method == b.method and (_depth(a.settings) or 0) > (_depth(b.settings) or 0):
                    own.append(mean_of(scores, [deep]) - mean_of(scores, [shallow]))
                    logs.append(np.log(seconds(task, deep) / seconds(task, shallow)))
        if own:
            gains[name] = float(np.mean(own))
    if not gains:
        return Evidence()
    times = float(np.exp(np.mean(logs)))
    told = f"{times:.1f} times the seconds of fewer layers"
    return Evidence({name: -gain for name, gain in known(gains).items()}, None if times > 1 else "contradicted", told)


def _depth(settings: Mapping[str, Any]) -> float | None:
    """The number of layers that a suite has set, however deep it lies in the settings."""
    for key, value in settings.items():
        if key in ("depth", "layers") and isinstance(value, int | float):
            return float(value)
        inner = _depth(value) if isinstance(value, Mapping) else None
        if inner is not None:
            return inner
    return None
