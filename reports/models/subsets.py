"""What subsets of the modalities score: measured, where weights only describe a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.cards import Direction
from ..metrics.registry import METRICS
from ..statistics.intervals import UNKNOWN, Estimate, corrected_t, losses

Floats = npt.NDArray[np.float64]


def subset_scores(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> pd.DataFrame:
    """One row for each successful split of each method and subset: method, modalities (tuple), split, score.

    The methods are those that ran on subsets of more than one size.
    """
    return task.memory.once("subset scores", primary, lambda: _subset_scores(evaluation, task, primary))


def _subset_scores(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> pd.DataFrame:
    frame = evaluation.results.outcomes
    own = frame[(frame["task"] == task.info.name) & (frame["status"] == "ok") & (frame["fraction"] == 1.0)]
    sizes = own["modalities"].map(len).groupby(own["method"]).nunique()
    own = own[own["method"].isin(sizes[sizes > 1].index)]
    metric = METRICS[primary]
    return pd.DataFrame(
        {
            "method": own["method"].to_numpy(),
            "modalities": [tuple(map(str, chosen)) for chosen in own["modalities"]],
            "split": list(zip(own["repeat"], own["fold"], strict=True)),
            "score": np.array(
                [
                    metric(np.asarray(y, dtype=np.int64), np.asarray(p))
                    for y, p in zip(own["y"], own["proba"], strict=True)
                ],
                dtype=np.float64,
            ),
        }
    )


@dataclass(frozen=True)
class Measured:
    """A method on single modalities and without them: by modality its score alone, and what is lost without it.

    ``lost`` is paired by split, and positive where the modality helps. ``best``: the modality that is distinguishably
    better alone than every other one; None where there is none.
    """

    method: str
    alone: dict[str, Estimate]
    lost: dict[str, Estimate]
    best: str | None

    @property
    def known(self) -> bool:
        """Whether there is any figure."""
        return any(e.known for e in (*self.alone.values(), *self.lost.values()))


def measured(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[Measured, ...]:
    """What each modality gives alone and what is lost without it, for every method that was run so."""
    scored = subset_scores(evaluation, task, primary)
    names = tuple(name for name, _, _ in task.info.modalities)
    direction = METRICS[primary].direction
    found = []
    for method in task.methods:
        own = scored[scored["method"] == method]
        which = own["modalities"].map(frozenset)
        by_subset = {key: own[which == key].set_index("split")["score"] for key in dict.fromkeys(which)}
        whole = by_subset.get(frozenset(names))
        alone, lost, better = {}, {}, []
        for name in names:
            single, rest = by_subset.get(frozenset({name})), by_subset.get(frozenset(names) - {name})
            alone[name] = UNKNOWN if single is None else over_splits(task, single.to_numpy())
            lost[name] = gain_of(task, whole, rest, direction)
            gains = [gain_of(task, single, by_subset.get(frozenset({n})), direction) for n in names if n != name]
            better += [name] if gains and all(g.value > 0 and g.excludes(0.0) for g in gains) else []
        row = Measured(method, alone, lost, better[0] if better else None)
        found += [row] if row.known else []
    return tuple(found)


def over_splits(task: TaskEvaluation, values: Floats) -> Estimate:
    """The mean over splits with its interval; refits on one test set tell nothing of other rows, and get none."""
    if not task.resampled:
        return Estimate(float(values.mean()), n=len(values)) if len(values) else UNKNOWN
    return corrected_t(values, task.test_to_train)


def gain_of(task: TaskEvaluation, first: pd.Series | None, second: pd.Series | None, direction: Direction) -> Estimate:
    """How much better the first scores are than the second, paired by split."""
    if first is None or second is None:
        return UNKNOWN
    both = pd.concat([first, second], axis=1, join="inner").to_numpy()
    return over_splits(task, losses(both[:, 1], direction) - losses(both[:, 0], direction))
