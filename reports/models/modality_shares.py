"""Which modality counted: the weights that fitted methods tell, as shares with their spread over splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation, TaskEvaluation
from ..figures.style import FAMILY_COLOURS
from ..statistics.intervals import losses

Floats = npt.NDArray[np.float64]

_SAME = 1e-9


@dataclass(frozen=True)
class MethodShares:
    """One method's shares of its modality weights.

    Parameters
    ----------
    method: its name; modalities: those of the task, in the task's order.
    values: (J, M) shares, each row summing to 1, of the J splits that gave usable weights.
    silent: splits that succeeded but gave no weights, or only zeros.
    guessing: whether the method cannot be told from guessing on the task, so that its shares say nothing.
    """

    method: str
    modalities: tuple[str, ...]
    values: Floats
    silent: int
    guessing: bool

    @cached_property
    def mean(self) -> Floats:
        """(M,) mean over splits."""
        return self.values.mean(axis=0)

    @cached_property
    def sd(self) -> Floats:
        """(M,) standard deviation over splits; NaN for one split."""
        if len(self.values) < 2:
            return np.full(len(self.modalities), np.nan)
        return self.values.std(axis=0, ddof=1)

    @cached_property
    def fixed(self) -> bool:
        """Whether shares between 0 and 1 are the same in every split: set by design, not learnt."""
        same = len(self.values) > 1 and bool(np.ptp(self.values, axis=0).max() <= _SAME)
        return same and bool(self.mean.max() < 1 - _SAME)

    @property
    def telling(self) -> bool:
        """Whether the shares were learnt, by a method that is better than guessing."""
        return not (self.fixed or self.guessing)

    @cached_property
    def first(self) -> str | None:
        """The modality with the largest share in every split; None where it changes or is shared."""
        tops = {
            tuple(name for name, share in zip(self.modalities, row, strict=True) if share >= row.max() - _SAME)
            for row in self.values
        }
        top = next(iter(tops))
        return top[0] if len(tops) == 1 and len(top) == 1 else None


def modality_shares(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[MethodShares, ...]:
    """Shares of every method that tells weights on all modalities of a task, methods before simple baselines.

    Within them families stand together, as weights are of one kind only within a family, and the better score comes
    first. Nothing for a task with one modality.
    """
    modalities = tuple(name for name, _, _ in task.info.modalities)
    if len(modalities) < 2:
        return ()
    found = []
    for method in task.methods:
        rows = task.ok_of(method)
        weighed = [w for row in rows if (w := _shares(row.modality_weights, modalities)) is not None]
        if weighed:
            guessing = task.guessing(method)
            found.append(MethodShares(method, modalities, np.array(weighed), len(rows) - len(weighed), guessing))
    order = by_family(evaluation, task, primary)
    return tuple(sorted(found, key=lambda own: order(own.method)))


def by_family(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Callable[[str], tuple[bool, int, float]]:
    """A key to sort methods by: simple baselines last, families together, within them the better score first."""
    scores = task.score(primary)
    families = [family for family in FAMILY_COLOURS if family != "baseline"]

    def order(method: str) -> tuple[bool, int, float]:
        info = evaluation.info(method)
        point = scores.points[scores.methods.index(method)]
        lost = float(np.nan_to_num(losses(np.asarray(point), scores.direction), nan=np.inf))
        place = families.index(info.family) if info.family in families else len(families)
        return info.role == "floor", place, lost

    return order


def by_weight(shares: Sequence[MethodShares]) -> tuple[str, ...]:
    """The modalities by their mean share over telling methods, or all where there are none: most weight first."""
    if not shares:
        return ()
    telling = [s for s in shares if s.telling] or list(shares)
    means = np.mean([s.mean for s in telling], axis=0)
    return tuple(shares[0].modalities[m] for m in np.argsort(-np.round(means, 9), kind="stable"))


def _shares(weights: object, modalities: tuple[str, ...]) -> Floats | None:
    """Weights as shares; a modality that is not named weighs nothing. None without a weight above zero."""
    if not isinstance(weights, Mapping):
        return None
    values = np.array([float(weights.get(name, 0.0)) for name in modalities])
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        return None
    return values / values.sum()
