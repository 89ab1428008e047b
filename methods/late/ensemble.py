"""What ensembles share: experts planned by settings, refused with a reason, fitted, asked; a subclass joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fusebench.datasets.card import TaskCard
from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import derived_seed
from fusebench.datasets.task import Task

from ..base import Labels, Method, Proba
from ..registry import method_registry
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats
from .expert import Expert

_INNER = TaskCard(name="inner", title="Training rows")


@dataclass(kw_only=True, eq=False, repr=False)
class Ensemble(Method):
    """Several base learners, each any method of the registry on some of the modalities.

    Parameters
    ----------
    base: name of the base learner; the default is fast, and its probabilities are calibrated as they are.
    base_params: settings of the base learners, by the method's name or, which weighs more, by the expert's.
    C: the setting ``C`` of every base learner that has one and is not told otherwise; None leaves it as it is.
    random_state, device: passed on; an expert's seed follows from its name, so that adding one moves no other's.

    Attributes
    ----------
    experts_: name to fitted expert. prior_: class frequencies (C,) of the training rows.
    """

    base: str = "concat-logistic"
    base_params: Mapping[str, Mapping[str, Any]] | None = None
    C: float | None = None
    random_state: int = 0
    device: str = "cpu"

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Fit the experts on n rows, then what joins them.

        Raises
        ------
        DataError: a base learner that cannot run on its modalities, or settings that it does not have.
        UnknownNameError: a base learner that does not exist.
        """
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.prior_ = np.bincount(codes) / len(codes)
        self.notes_: list[str] = []
        self.n_parameters_ = 0
        self.experts_: dict[str, Expert] = {}
        if len(self.classes_) > 1:
            names = tuple(map(str, self.classes_))
            task = Task.trusted(samples=samples, y=codes, classes=names, card=_INNER)
            if (reason := self._refusal(task)) is not None:
                raise DataError(reason)
            self._learn(samples, codes)
            self._add_up()
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_)); the class frequencies in rows of which no expert speaks."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        spoken = self._spoken(samples)
        silent = np.all(np.isnan(spoken), axis=(0, 2))
        return np.where(silent[:, None], self.prior_, self._joined(spoken))

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Why the default base learners cannot run on the task, or None."""
        return cls.skip_with(task, {})

    @classmethod
    def skip_with(cls, task: Task, params: Mapping[str, Any]) -> str | None:
        """Why base learners so chosen cannot run on the task, or None: an ensemble takes what they take."""
        return cls(**params)._refusal(task)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The base learners' penalty."""
        return {"C": Real(0.01, 30.0, log=True)}

    @classmethod
    def warm_up(cls) -> None:
        """That of the default base learners."""
        cls.warm_up_with({})

    @classmethod
    def warm_up_with(cls, params: Mapping[str, Any]) -> None:
        """That of the base learners so chosen."""
        model = cls(**params)
        for name in sorted(model._methods()):
            method_registry().get(name).load().warm_up_with((model.base_params or {}).get(name, {}))

    def _methods(self) -> set[str]:
        """Names of the base learners."""
        return {self.base}

    def _planned(self, names: Sequence[str]) -> dict[str, Expert]:
        """The experts for modalities of those names, not fitted."""
        raise NotImplementedError

    def _learn(self, samples: Samples, codes: Codes) -> None:
        """Fit the experts and what joins them; called with at least two classes."""
        raise NotImplementedError

    def _joined(self, spoken: Floats) -> Proba:
        """From what the experts say (experts, n, C), NaN where they are silent, to the joint probabilities (n, C)."""
        raise NotImplementedError

    def _expert(self, name: str, names: Sequence[str], method: str) -> Expert:
        """An expert on some modalities, not fitted; ``name`` is what settings call it."""
        given = self.base_params or {}
        params = {**given.get(method, {}), **given.get(name, {})}
        return Expert(method, names, params, self.C, derived_seed(self.random_state, name), self.device)

    def _refusal(self, task: Task) -> str | None:
        """Why an expert cannot run on the task, or None; experts that are alike are asked once."""
        planned = self._planned(task.samples.names).values()
        alike = {(expert.method, expert.names): expert for expert in planned}
        reasons = (expert.refusal(task) for expert in alike.values())
        return next((reason for reason in reasons if reason is not None), None)

    def _spoken(self, samples: Samples) -> Floats:
        """What the experts say of n rows, shape (experts, n, C), NaN where they are silent."""
        said = [expert.predict_proba(samples) for expert in self.experts_.values()]
        return np.array(said).reshape(len(said), len(samples), len(self.prior_))

    def _add_up(self) -> None:
        """The experts' parameters, and their operations where all of them tell."""
        costs = [expert.model_.cost() for expert in self.experts_.values() if expert.model_ is not None]
        self.n_parameters_ += int(sum(cost.get("parameters", 0) for cost in costs))
        if costs and all("flops" in cost for cost in costs):
            self.flops_ = float(sum(cost["flops"] for cost in costs))
