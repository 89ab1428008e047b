"""Fitting several neural methods side by side: folds, repeats and settings of one method on one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fusebench.datasets.samples import Samples

from ..base import Labels
from .trainer import Learner, stacks, train

if TYPE_CHECKING:
    from .network import NeuralMethod

_MOST_BYTES = 2**29
"""Methods begin together while their training rows stay below this; the rest begin when those have ended."""


@dataclass
class Together:
    """What came of fitting methods side by side: each is as after its own ``fit``, but for rounding.

    Networks of one architecture train as one stack, in the same batches and from the same seeds as alone; what rounding
    may make of that is told at ``fusebench.methods.neural.trainer.train``.

    Parameters
    ----------
    errors: by method, what its own ``fit`` would have raised; None where all went well.
    stacked: how many networks trained in a stack with others.
    """

    errors: list[Exception | None]
    stacked: int = 0

    @contextmanager
    def noting(self, method: int) -> Iterator[None]:
        """Note an error as that method's own; but where memory ends it ends for all."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:
            self.errors[method] = error


def fit_together(methods: Sequence[NeuralMethod], samples: Sequence[Samples], y: Sequence[Labels]) -> Together:
    """Fit each method on its own samples and labels; see ``Together``."""
    together = Together([None] * len(methods))
    begun: dict[int, dict[str, Learner]] = {}
    size = 0
    for i, (method, own, labels) in enumerate(zip(methods, samples, y, strict=True)):
        with together.noting(i):
            begun[i] = method._begin(own, labels)
            size += sum(_bytes(learner) for learner in begun[i].values())
        if size < _MOST_BYTES and i < len(methods) - 1:
            continue
        learners = [learner for own_learners in begun.values() for learner in own_learners.values()]
        groups = stacks(learners)
        together.stacked += sum(len(group) for group in groups if len(group) > 1)
        trained = iter(train(learners, groups))
        for j, own_learners in begun.items():
            came = list(islice(trained, len(own_learners)))
            with together.noting(j):
                methods[j]._end(samples[j], y[j], own_learners, came)
        begun, size = {}, 0
    return together


def _bytes(learner: Learner) -> int:
    return sum(tensor.nbytes for tensor in learner.source.resident.values())
