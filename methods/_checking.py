"""What a conformance check is handed: the method, small tasks that it accepts, and one fitted model to share."""

from __future__ import annotations

import inspect
import io
import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fusebench.datasets.samples import TABULAR, Samples
from fusebench.datasets.task import Task

from ._toy import toy_task
from .base import Labels, Method, Proba

CLOSE = 1e-6
"""How far two probabilities of the same row may lie apart."""
_DEVIATIONS = 3.8
"""Standard deviations that count as beyond chance: about one false alarm in ten thousand."""


class CheckFailed(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The method breaks its promise; the message says how."""


class CheckSkipped(Exception):  # noqa: N818
    """The check does not apply to the method; the message says why."""


def ensure(condition: object, message: str) -> None:
    """Fail the check with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def above_chance(chance: float, n: int) -> float:
    """The accuracy on n independent rows that guessing reaches about once in ten thousand times."""
    return chance + _DEVIATIONS * math.sqrt(chance * (1 - chance) / n)


@dataclass
class Heard:
    """What a method said while it worked: warnings, and text on standard output or error."""

    warnings: list[str] = field(default_factory=list)
    printed: str = ""


@contextmanager
def listening() -> Iterator[Heard]:
    """Collect warnings and prints, so that a check's own output stays readable."""
    heard = Heard()
    text = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(text), redirect_stderr(text):
        warnings.simplefilter("always")
        yield heard
    heard.warnings = [f"{w.category.__name__}: {w.message} ({w.filename}:{w.lineno})" for w in caught]
    heard.printed = text.getvalue()


class Trial:
    """A method on trial.

    Parameters
    ----------
    cls: the method's class. Its attribute ``check_params`` may hold light settings, so that a network trains for a
        second, not for minutes.
    quick: fewer repetitions, and the slowest checks left out.
    """

    def __init__(self, cls: type[Method], *, quick: bool = False) -> None:
        self.cls, self.quick = cls, quick

    def make(self, **settings: Any) -> Method:
        """A new instance with the class's light settings, seed 0 and the processor as its device where it has them."""
        accepted = inspect.signature(self.cls).parameters
        fixed = {name: value for name, value in (("random_state", 0), ("device", "cpu")) if name in accepted}
        return self.cls(**{**fixed, **self.cls.check_params, **settings})

    def fit(self, samples: Samples, y: Labels, **settings: Any) -> Method:
        """A new instance, fitted."""
        model = self.make(**settings)
        model.fit(samples, y)
        return model

    def try_on(self, train: Samples, y: Labels, test: Samples, what: str) -> Proba:
        """Fit and predict, and check that what comes back are probabilities; ``what`` names the case in a failure."""
        try:
            model = self.fit(train, y)
            proba = model.predict_proba(test)
        except Exception as error:
            raise CheckFailed(f"{what}: {told(error)}") from error
        ensure_proper(proba, len(test), model.classes_, what)
        return proba

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the toy's modalities: the first mix that the method does not skip, tables before others."""
        card = self.cls.card
        ordered = sorted(card.kinds, key=lambda kind: (kind not in TABULAR, card.kinds.index(kind)))
        most = card.most or max(card.least, 3)
        sizes = sorted(range(max(card.least, 1), most + 1), key=lambda m: (abs(m - 2), m))
        reason = "its card accepts no kind"
        for size in sizes:
            for mix in itertools.combinations_with_replacement(ordered, size):
                refused = self.cls.skip(toy_task(mix, 8))
                if refused is None:
                    return mix
                reason = refused
        raise CheckFailed(f"skip() refuses every toy task; the last reason: {reason}")

    @cached_property
    def task(self) -> Task:
        """The toy of two classes and 80 rows."""
        return toy_task(self.kinds, 80)

    @cached_property
    def train(self) -> tuple[Samples, Labels]:
        """The toy's first half."""
        return self.task.samples[:40], self.task.y[:40]

    @cached_property
    def test(self) -> Samples:
        """The toy's second half."""
        return self.task.samples[40:]

    @cached_property
    def heard(self) -> Heard:
        """What the shared model said while it was fitted and used."""
        self.fitted  # noqa: B018 - the property fits and listens
        return self._heard

    @cached_property
    def fitted(self) -> Method:
        """One model fitted on the first half; checks share it and must not change it."""
        with listening() as self._heard:
            model = self.fit(*self.train)
            model.predict_proba(self.test)
        return model

    @cached_property
    def proba(self) -> Proba:
        """The shared model's probabilities of the second half."""
        return np.array(self.fitted.predict_proba(self.test))

    def accuracy(self, task: Task, train: slice, test: slice) -> float:
        """Share of the test rows that a new model gets right."""
        model = self.fit(task.samples[train], task.y[train])
        return float(np.mean(model.predict(task.samples[test]) == task.y[test]))


def ensure_proper(proba: object, n: int, classes: Sequence[int] | np.ndarray, what: str = "predict_proba") -> None:
    """Fail unless ``proba`` is an (n, C) float array, finite, not negative, with rows that sum to 1."""
    ensure(isinstance(proba, np.ndarray), f"{what}: gave {type(proba).__name__}, not a NumPy array")
    array = np.asarray(proba)
    ensure(
        array.shape == (n, len(classes)), f"{what}: shape {array.shape}, expected {(n, len(classes))} (rows, classes)"
    )
    ensure(array.dtype.kind == "f", f"{what}: dtype {array.dtype}, expected floats")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    ensure(not len(bad), f"{what}: {len(bad)} of {n} rows hold NaN or infinity, first row {bad[:1]}")
    ensure((array >= 0).all(), f"{what}: negative probability {array.min(initial=0.0):.3g}")
    off = np.abs(array.sum(axis=1) - 1).max(initial=0.0)
    ensure(off < 1e-5, f"{what}: rows do not sum to 1 (off by up to {off:.3g})")


def ensure_same(a: Proba, b: Proba, what: str, tolerance: float = CLOSE) -> None:
    """Fail unless two arrays of probabilities agree in shape and within the tolerance."""
    ensure(a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}")
    gap = np.abs(a - b)
    worst = float(gap.max(initial=0.0))
    if not worst <= tolerance:
        row = int(gap.max(axis=1).argmax())
        raise CheckFailed(f"{what}: probabilities differ by up to {worst:.3g} (row {row}: {a[row]} and {b[row]})")


def told(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    place = ""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None:
        place = f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
