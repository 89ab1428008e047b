"""Losses: named terms, each a mean over the rows of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

Batch = Mapping[str, Tensor]
"""Names to tensors that share their first dimension, the rows of the batch."""

Loss = Callable[[Any, Batch], Mapping[str, Tensor]]
"""From a module's output and the batch to named terms, each a ``row_mean``; their sum is minimised.

It runs under ``torch.func.vmap``, or on the rows of several networks one after another if it says that it does so (see
``side_by_side``), and what it needs to know of the rows stands in the batch. Networks train together
only if their losses are equal: a frozen dataclass is a good form.
"""

WEIGHT = "<weight>"
"""Key of what each row counts, (n,) or (networks, n), 0 for rows that only fill a batch up; all count alike where it is
not there."""

SHARE = "<share>"
"""Key of the share, (n,), that a row's own label has in a mixture of two rows; the other label is ``other_key``'s."""


def other_key(name: str) -> str:
    """Key of what stands under ``name`` in the row that was mixed into each row; only there beside ``SHARE``."""
    return f"<other> {name}"


def row_mean(values: Tensor, batch: Batch) -> Tensor:
    """Mean over rows, by weight, of one value a row, (n,); (networks,) where the rows are those of several networks."""
    weight = batch.get(WEIGHT)
    if weight is None:
        return values.mean()
    return (values.view(weight.shape) * weight).sum(-1) / weight.sum(-1).clamp(min=1e-12)


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross-entropy of logits, of both labels by their shares where rows are mixed.

    Parameters
    ----------
    label: key of the class codes in the batch.
    weight: key of a factor on each row's loss, mean 1 over training rows (see ``balanced_weights``); None for none,
        which keeps probabilities calibrated. Sums are divided by rows, not by these weights: so the mean over batches
        is the mean over rows.
    """

    side_by_side: ClassVar[bool] = True

    label: str
    weight: str | None = None

    def __call__(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a batch, under its name."""
        # Class by class in memory: over short rows of classes torch takes several times as long.
        log = logits.mT.contiguous().log_softmax(0)
        each = self._each(log, batch, self.label, self.weight)
        if SHARE in batch:
            weight = None if self.weight is None else other_key(self.weight)
            other = self._each(log, batch, other_key(self.label), weight)
            each = batch[SHARE] * each + (1.0 - batch[SHARE]) * other
        return {"cross_entropy": row_mean(each, batch)}

    @staticmethod
    def _each(log: Tensor, batch: Batch, label: str, weight: str | None) -> Tensor:
        """Loss of each row (n,), from log probabilities (C, n)."""
        each = -log.gather(0, batch[label][None])[0]
        return each if weight is None else each * batch[weight]


def balanced_weights(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Weight n / (C n_c) for a row of class c, shape (n,): every class counts alike, the mean over rows is 1."""
    counts = np.bincount(codes)
    return (len(codes) / ((counts > 0).sum() * np.maximum(counts, 1)))[codes].astype(np.float32)
