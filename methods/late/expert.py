"""One expert of an ensemble: any method of the registry, on some of the modalities, with honest probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows
from fusebench.datasets.task import Task

from ..base import Method, Proba, build
from ..registry import cure, method_registry, missing_packages
from ..sharing import digest, recall
from ..vectors import Codes, Floats


class Expert:
    """A base learner that sees the modalities ``names``, and of the training rows those that have one of them.

    What it has not seen it does not judge: a class that none of its rows had keeps its prior, with the rest scaled to
    fit, and a row without its modalities gets NaN, which a rule leaves out. With one class among its rows it gives the
    prior.

    Parameters
    ----------
    method: name in the registry.
    names: modalities it sees.
    params: settings of the method.
    C: its setting ``C``, where it has one that ``params`` does not name; None leaves it as it is.
    seed, device: for methods that take them.

    Attributes
    ----------
    seen_: codes of the classes among its training rows.
    prior_: class probabilities (C,) of an expert that knew nothing of a row: those of its own training rows.
    model_: the fitted method, or None where there was nothing to tell apart.
    """

    def __init__(
        self, method: str, names: Sequence[str], params: Mapping[str, Any], C: float | None, seed: int, device: str
    ) -> None:
        self.method, self.names, self.params, self.C = method, tuple(names), params, C
        self.seed, self.device = seed, device

    def refusal(self, task: Task) -> str | None:
        """Why it cannot run on a task, of which it would see its own modalities, or None.

        Raises
        ------
        UnknownNameError: there is no such method.
        """
        found = method_registry().get(self.method)
        place = f"base learner {self.method!r} on {', '.join(self.names)}"
        if found.card is not None and (missing := missing_packages(found.card)):
            return f"{place} needs {', '.join(missing)}: {cure(found.card)}"
        known = self._class()._get_param_names()
        if unknown := sorted(set(self.params) - set(known)):
            return f"{place} has no setting {', '.join(unknown)}; it has {', '.join(known)}"
        samples, y = self._own(task.samples, task.y)
        own = Task.trusted(samples=samples, y=y, classes=task.classes, card=task.card)
        reason = self._class().skip_with(own, self.params) if len(y) else None
        return reason and f"{place}: {reason}"

    def fit(self, samples: Samples, codes: Codes, prior: Floats) -> Self:
        """Learn from n rows, their codes 0..C-1 and the class frequencies (C,)."""
        samples, codes = self._own(samples, codes)
        counts = np.bincount(codes, minlength=len(prior))
        self.seen_ = np.flatnonzero(counts)
        self.prior_ = completed(counts / max(len(codes), 1), prior, self.seen_)
        self.model_ = self._fitted(samples, codes)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities (n, C); NaN in rows that have none of the modalities."""
        return self._said(self.model_, samples)

    def out_of_fold(self, samples: Samples, codes: Codes, folds: Sequence[tuple[Rows, Rows]]) -> Proba:
        """Probabilities (n, C) of the training rows from models that saw neither them nor their subjects.

        Call it after ``fit`` with the same rows. NaN in rows without the modalities, and in all when there are no
        folds. Within ``sharing`` they are computed once for equal data, folds and settings.
        """

        def key() -> tuple[Any, ...]:
            own = samples.select(self.names).modalities
            told = [(m.name, m.kind, m.features, sorted(m.categories.items())) for m in own]
            settings = (self.method, sorted(self._settings().items()), self.seed, self.device)
            arrays = [array for m in own for array in (m.values, m.present)]
            divided = [rows for fold in folds for rows in fold]
            return (
                "out of fold", repr((told, settings)), digest(*arrays, samples.groups, codes, self.prior_, *divided)
            )  # fmt: skip

        return recall(key, lambda: (self._out_of_fold(samples, codes, folds),))[0]

    def _out_of_fold(self, samples: Samples, codes: Codes, folds: Sequence[tuple[Rows, Rows]]) -> Proba:
        proba = np.full((len(codes), len(self.prior_)), np.nan)
        for kept, held in folds:
            model = self._fitted(*self._own(samples[kept], codes[kept]))
            proba[held] = self._said(model, samples[held])
        return proba

    def _class(self) -> type[Method]:
        return method_registry().get(self.method).load()

    def _settings(self) -> dict[str, Any]:
        shared = {"C": self.C} if self.C is not None and "C" in self._class()._get_param_names() else {}
        return {**shared, **self.params}

    def _own(self, samples: Samples, codes: Codes) -> tuple[Samples, Codes]:
        """Its modalities, and the rows that have one of them."""
        chosen = samples.select(self.names)
        rows = np.flatnonzero(usable(chosen))
        return chosen[rows], codes[rows]

    def _fitted(self, samples: Samples, codes: Codes) -> Method | None:
        if len(np.unique(codes)) < 2:
            return None
        return build(self._class(), self._settings(), self.seed, self.device).fit(samples, codes)

    def _said(self, model: Method | None, samples: Samples) -> Proba:
        """What a model says over all classes, shape (n, C); NaN in rows that have none of the modalities."""
        chosen = samples.select(self.names)
        rows = np.flatnonzero(usable(chosen))
        proba = np.full((len(samples), len(self.prior_)), np.nan)
        if model is None:
            proba[rows] = self.prior_
        elif len(rows):
            seen = np.zeros((len(rows), len(self.prior_)))
            seen[:, model.classes_] = model.predict_proba(chosen[rows])
            proba[rows] = completed(seen, self.prior_, model.classes_)
        return proba


def usable(samples: Samples) -> npt.NDArray[np.bool_]:
    """Which rows have at least one of the modalities, shape (n,)."""
    return np.any([m.present for m in samples.modalities], axis=0)


def completed(proba: Floats, prior: Floats, seen: npt.NDArray[np.integer[Any]]) -> Floats:
    """Probabilities (..., C) in which classes that were not ``seen`` get their prior, and the rest is scaled to fit."""
    unseen = np.ones(len(prior), dtype=bool)
    unseen[seen] = False
    return np.where(unseen, prior, proba * (1.0 - prior[unseen].sum()))
