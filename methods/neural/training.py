"""How a network trains, and what came of it: settings, schedules, learning curves, early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fusebench.datasets.errors import DataError

Schedule = Literal["constant", "cosine"]


class DivergenceError(ArithmeticError):
    """The loss stopped being a finite number."""


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    learning_rate, weight_decay: of AdamW (Loshchilov & Hutter 2019); vectors (biases, norms) are not decayed.
    max_epochs: the longest training.
    patience: epochs without progress after which it ends.
    progress: share by which the watched loss must have fallen since the last progress to count as progress again.
        Smaller gains are kept too, but do not buy more epochs.
    batch_size: most rows in a batch; None takes up to six batches an epoch of at least 32 rows, up to twenty of at
        least 64, and more only where a batch would have more than 512.
    clip_norm: largest Euclidean norm of the whole gradient.
    monitor: the loss term that early stopping watches; None watches the sum of all.
    schedule: of the learning rate: "constant", or "cosine", which falls to zero at the longest training's end
        (Loshchilov & Hutter 2017).
    warm_up_share: share of the longest training in which the rate first rises linearly from zero.
    mix_up: a of the Beta(a, a) from which the shares are drawn in which rows are mixed (Zhang et al. 2018); 0 for none.
    mixed_precision: products in bfloat16, on a GPU only.
    compiled: through ``torch.compile``, on a GPU only.
    deterministic: refuse operations that might not give the same bits twice (some have no such form on a GPU).
    """

    learning_rate: float = 2.5e-3
    weight_decay: float = 1.0
    max_epochs: int = 200
    patience: int = 10
    progress: float = 0.01
    batch_size: int | None = None
    clip_norm: float = 5.0
    monitor: str | None = None
    schedule: Schedule = "constant"
    warm_up_share: float = 0.0
    mix_up: float = 0.0
    mixed_precision: bool = False
    compiled: bool = False
    deterministic: bool = False

    def __post_init__(self) -> None:
        if self.schedule not in get_args(Schedule):
            raise DataError(f"schedule {self.schedule!r}: use one of {', '.join(get_args(Schedule))}")
        if not 0.0 <= self.warm_up_share < 1.0:
            raise DataError(f"warm_up_share {self.warm_up_share!r}: use a share from 0 to below 1")
        if self.mix_up < 0.0:
            raise DataError(f"mix_up {self.mix_up!r}: use 0 for none, or a positive number such as 0.2")

    def rate(self, done: float) -> float:
        """The learning rate when that share of the longest training is done, 0 to below 1."""
        if done < self.warm_up_share:
            return self.learning_rate * done / self.warm_up_share
        if self.schedule == "constant":
            return self.learning_rate
        fallen = (done - self.warm_up_share) / (1.0 - self.warm_up_share)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * fallen))


@dataclass
class History:
    """The learning curve: the mean of each loss term, by epoch.

    ``train`` is the running mean during the epoch, dropout included; ``validation`` is read after it, without dropout.
    ``best_epoch`` is the epoch (counted from 0) whose weights the module carries now; -1 for those it began with.
    """

    train: list[dict[str, float]] = field(default_factory=list)
    validation: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1

    def loss(self, part: str = "validation", term: str | None = None) -> npt.NDArray[np.float64]:
        """Loss by epoch, of "train" or "validation": one term, or the sum of all."""
        return np.array([_watched(terms, term) for terms in getattr(self, part)])


class Progress:
    """Early stopping of one network, from its learning curve.

    Attributes
    ----------
    history: the curve. ended: whether training is over. error: why it failed, if it did.
    """

    def __init__(self, settings: Training) -> None:
        self.settings, self.history = settings, History()
        self.ended = settings.max_epochs < 1
        self.error: DivergenceError | None = None
        self._best = self._mark = math.inf
        self._stale = 0

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history.validation)

    def note(self, train: Mapping[str, float], validation: Mapping[str, float]) -> bool:
        """Take in an epoch's means; whether it is the best so far, whose weights are to be kept."""
        history = self.history
        history.train.append(dict(train))
        history.validation.append(dict(validation))
        self.error = self._diverged(train) or self._diverged(validation)
        if self.error is not None:
            self.ended = True
            return False
        watched = _watched(validation, self.settings.monitor)
        if self._mark == math.inf or watched < self._mark - self.settings.progress * abs(self._mark):
            self._mark, self._stale = watched, 0
        else:
            self._stale += 1
        self.ended = self._stale >= self.settings.patience or self.epoch >= self.settings.max_epochs
        if watched >= self._best:
            return False
        self._best, history.best_epoch = watched, self.epoch - 1
        return True

    def _diverged(self, terms: Mapping[str, float]) -> DivergenceError | None:
        bad = [f"{name} is {value}" for name, value in terms.items() if not math.isfinite(value)]
        if not bad:
            return None
        return DivergenceError(
            f"training diverged in epoch {self.epoch}: {', '.join(bad)} at learning rate "
            f"{self.settings.learning_rate:g}; use a smaller learning rate, and check the data for extreme values"
        )


def _watched(terms: Mapping[str, float], name: str | None) -> float:
    return sum(terms.values()) if name is None else terms[name]
