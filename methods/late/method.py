"""Late fusion: one base learner a modality, and calibrated rules over what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows, derived_seed, inner_folds

from ..base import Proba
from ..calibrate import FOLDS
from ..registry import method_registry
from ..temperature import fit_temperature
from ..vectors import Codes, Floats
from .ensemble import Ensemble
from .evidence import evidence, tempered
from .expert import Expert, usable


@dataclass(kw_only=True, eq=False, repr=False)
class LateMethod(Ensemble):
    """One base learner a modality, each fitted on the rows that have it; a subclass says how their words are joined.

    Parameters
    ----------
    bases: modality name to another base learner, such as ``{"mri": "kernel-uniform", "clinical": "concat-xgboost"}``.
    folds: inner folds by subject, from which honest probabilities of the training rows come.
    others: see ``Ensemble``; in ``base_params`` an expert's name is its modality's.

    A modality that no training row has gets no expert.
    """

    bases: Mapping[str, str] | None = None
    folds: int = FOLDS

    def _methods(self) -> set[str]:
        return {self.base, *(self.bases or {}).values()}

    def _planned(self, names: Sequence[str]) -> dict[str, Expert]:
        bases = self.bases or {}
        return {name: self._expert(name, (name,), bases.get(name, self.base)) for name in names}

    def _learn(self, samples: Samples, codes: Codes) -> None:
        self._note_unused(samples.names)
        for name, expert in self._planned(samples.names).items():
            if usable(samples.select(expert.names)).any():
                self.experts_[name] = expert.fit(samples, codes, self.prior_)
            else:
                self.notes_.append(f"no training row has {name}: it has no expert")

    def _honest(self, samples: Samples, codes: Codes) -> tuple[Rows, Floats]:
        """Training rows that can be judged, and what the experts say of them out of fold: (r,), (experts, r, C).

        Left out are rows of a class that has no row among those that their fold learnt from: there experts must be
        wrong, whatever they are worth.
        """
        folds = inner_folds(codes, samples.groups, self.folds, derived_seed(self.random_state, "folds"))
        said = [expert.out_of_fold(samples, codes, folds) for expert in self.experts_.values()]
        judged = [held[np.isin(codes[held], codes[kept])] for kept, held in folds]
        rows = np.sort(np.concatenate(judged)) if judged else np.empty(0, dtype=np.intp)
        return rows, np.array(said).reshape(len(said), len(codes), len(self.prior_))[:, rows]

    def _priors(self) -> Floats:
        """Class frequencies of each expert's own training rows, shape (experts, C)."""
        return np.array([expert.prior_ for expert in self.experts_.values()]).reshape(-1, len(self.prior_))

    def _note_unused(self, names: Sequence[str]) -> None:
        """Tell of settings for modalities that are not here: no error, for a run may be on part of the modalities."""
        known = {*names, *self._planned(names), *method_registry().names()}
        if unused := sorted((set(self.bases or {}) - set(names)) | (set(self.base_params or {}) - known)):
            self.notes_.append(f"settings for what is not here: {', '.join(unused)}; modalities: {', '.join(names)}")


@dataclass(kw_only=True, eq=False, repr=False)
class RuleMethod(LateMethod):
    """A late rule over experts that are calibrated, each by one temperature, on inner folds by subject.

    Parameters
    ----------
    calibrated: False takes the experts' probabilities as they are, which spares the inner folds where the rule itself
        does not need them.
    others: see ``LateMethod``.

    Attributes
    ----------
    temperatures_: modality name to temperature, 1 where not calibrated.
    """

    calibrated: bool = True

    def _learn(self, samples: Samples, codes: Codes) -> None:
        super()._learn(samples, codes)
        self.temperatures_ = dict.fromkeys(self.experts_, 1.0)
        if self.calibrated or self._learns():
            judged, honest = self._honest(samples, codes)
            if self.calibrated:
                for name, proba in zip(self.experts_, honest, strict=True):
                    self.temperatures_[name] = _temperature(self.experts_[name], proba, codes[judged])
                self.n_parameters_ += len(self.experts_)
            self._settle(self._tempered(honest), codes[judged])

    def _joined(self, spoken: Floats) -> Proba:
        return self._rule(self._tempered(spoken))

    def _learns(self) -> bool:
        """Whether the rule learns something from out-of-fold probabilities."""
        return False

    def _settle(self, honest: Floats, codes: Codes) -> None:
        """Learn what the rule needs from out-of-fold probabilities (experts, r, C) as it will see them."""

    def _rule(self, proba: Floats) -> Proba:
        """From the experts' probabilities (experts, n, C) to the joint ones (n, C)."""
        raise NotImplementedError

    def _tempered(self, spoken: Floats) -> Floats:
        each = zip(self.experts_.items(), spoken, strict=True)
        drawn = [tempered(p, expert.prior_, self.temperatures_[name], expert.seen_) for (name, expert), p in each]
        return np.array(drawn).reshape(spoken.shape)


def _temperature(expert: Expert, proba: Floats, codes: Codes) -> float:
    """The temperature that suits what the expert says (r, C) of rows of known class, among the classes it has seen."""
    rows = np.flatnonzero(~np.isnan(proba[:, 0]))
    scores = evidence(proba[np.ix_(rows, expert.seen_)], expert.prior_[expert.seen_])
    return fit_temperature(scores, np.searchsorted(expert.seen_, codes[rows]), expert.prior_[expert.seen_])
