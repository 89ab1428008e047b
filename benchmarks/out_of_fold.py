"""Out-of-fold probabilities of settings: what tuning judges them by, and what the fits for it cost alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import derived_seed
from fusebench.methods.base import Method, Proba, build

from .cost import Meter

Rows = npt.NDArray[np.intp]


def full_width(method: Method, proba: Proba, n_classes: int) -> Proba:
    """Probabilities over all classes of the task: those never seen in training get zero."""
    wide = np.zeros((len(proba), n_classes))
    wide[:, method.classes_] = proba
    return wide


def check_proba(method: Method, proba: Any, n: int) -> Proba:
    """The probabilities as float64; ValueError with the reason when they are not probabilities of n rows."""
    proba = np.asarray(proba, dtype=np.float64)
    expected = (n, len(method.classes_))
    if proba.shape != expected:
        raise ValueError(f"predict_proba gave shape {proba.shape}, expected {expected}: rows by classes_")
    if not np.isfinite(proba).all():
        raise ValueError(f"predict_proba gave {int((~np.isfinite(proba)).sum())} values that are not finite")
    if proba.min() < -1e-9 or proba.max() > 1 + 1e-6:
        raise ValueError(f"predict_proba gave values outside 0..1: {proba.min():.3g} to {proba.max():.3g}")
    off = np.abs(proba.sum(axis=1) - 1).max()
    if off > 1e-6:
        raise ValueError(f"predict_proba gave rows that do not sum to 1 (off by {off:.3g})")
    return np.clip(proba, 0.0, 1.0)


@dataclass(frozen=True)
class _Fit:
    trial: int
    fold: int
    method: Method


class OutOfFold:
    """Fits a method on every fold's kept rows and predicts the rows held out.

    A class that offers ``fit_together(methods, samples, y)`` fits the folds of several settings side by side, each as
    alone (``fusebench.methods.neural.together``). The time of that is the benchmark's saving and no merit of the
    method's: one fit is measured alone, and stands for each of the others.

    Attributes
    ----------
    fits: how many were trained side by side.
    """

    def __init__(
        self,
        cls: type[Method],
        samples: Samples,
        y: np.ndarray,
        n_classes: int,
        folds: Sequence[tuple[Rows, Rows]],
        seed: int,
        device: str,
    ) -> None:
        self.cls, self.samples, self.y, self.n_classes, self.folds = cls, samples, y, n_classes, folds
        self.seed, self.device = seed, device
        self.offered = getattr(cls, "fit_together", None) is not None
        self.fits = 0
        self._taken = np.zeros(2)
        self._alone: npt.NDArray[np.float64] | None = None

    def __call__(self, settings: Sequence[Mapping[str, Any]]) -> list[Proba | Exception]:
        """Probabilities (n, classes) with each of the settings, or what was raised."""
        errors: dict[int, Exception] = {}
        fits: list[_Fit] = []
        for trial, params in enumerate(settings):
            with _noting(errors, trial):
                fits += [_Fit(trial, fold, self._built(params, fold)) for fold in range(len(self.folds))]
        if self.offered:
            # One alone, after the others: what the first fit of a process pays is not a fit's cost.
            first = 1 if self._alone is None else 0
            self._fit_together(fits[first:], errors)
            self._measure(fits[:first], errors)
        found = [np.zeros((len(self.y), self.n_classes)) for _ in settings]
        fits.reverse()
        while fits:  # a fitted method goes once it has predicted
            fit = fits.pop()
            if fit.trial not in errors:
                with _noting(errors, fit.trial):
                    if not self.offered:
                        fit.method.fit(*self._kept(fit.fold))
                    held = self.folds[fit.fold][1]
                    proba = check_proba(fit.method, fit.method.predict_proba(self.samples[held]), len(held))
                    found[fit.trial][held] = full_width(fit.method, proba, self.n_classes)
        return [errors.get(trial, proba) for trial, proba in enumerate(found)]

    @property
    def spared(self) -> tuple[float, float]:
        """Wall and CPU seconds that the fits side by side would have taken alone beyond those that they took."""
        if self._alone is None:
            return 0.0, 0.0
        wall, cpu = self.fits * self._alone - self._taken
        return float(wall), float(cpu)

    @property
    def notes(self) -> list[str]:
        """What a reader of the costs should know."""
        if not self.fits:
            return []
        return [f"tuning trained {self.fits} fits side by side; its cost counts each as long as one measured alone"]

    def _built(self, params: Mapping[str, Any], fold: int) -> Method:
        return build(self.cls, params, derived_seed(self.seed, "fold", fold), self.device)

    def _kept(self, fold: int) -> tuple[Samples, npt.NDArray[Any]]:
        rows = self.folds[fold][0]
        return self.samples[rows], self.y[rows]

    def _fit_together(self, fits: Sequence[_Fit], errors: dict[int, Exception]) -> None:
        if not fits:
            return
        kept = [self._kept(fit.fold) for fit in fits]
        meter = Meter()
        with meter.phase("all"):
            came = self.cls.fit_together(
                [fit.method for fit in fits], [samples for samples, _ in kept], [y for _, y in kept]
            )
        for fit, error in zip(fits, came.errors, strict=True):
            if error is not None:
                errors.setdefault(fit.trial, error)
        if came.stacked:
            self.fits += len(fits)
            self._taken += (meter.cost["all_wall"], meter.cost["all_cpu"])

    def _measure(self, fits: Sequence[_Fit], errors: dict[int, Exception]) -> None:
        for fit in fits:
            meter = Meter()
            with _noting(errors, fit.trial):
                kept = self._kept(fit.fold)
                with meter.phase("one"):
                    fit.method.fit(*kept)
                self._alone = np.array([meter.cost["one_wall"], meter.cost["one_cpu"]])


@contextmanager
def _noting(errors: dict[int, Exception], trial: int) -> Iterator[None]:
    """Note the first error of a trial: one bad setting must not end a search. Where memory ends, it ends for all."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        errors.setdefault(trial, error)
