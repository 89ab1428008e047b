"""Bagging of multimodal learners: the same early learner on many draws of the subjects, averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows, derived_seed

from ..base import Proba
from ..card import MethodCard
from ..temperature import fit_temperature
from ..vectors import Codes, Floats
from .ensemble import Ensemble
from .evidence import evidence, tempered
from .expert import Expert
from .rules import mean


@dataclass(kw_only=True, eq=False, repr=False)
class LateBagging(Ensemble):
    """Mean of an early learner's probabilities over bootstrap draws of the subjects.

    Every learner sees all modalities of its draw. Subjects that a draw left out are predicted by its learner: the mean
    over such draws is an honest prediction of the training rows, from which one temperature is fitted.

    Parameters
    ----------
    base: the learner, which sees all modalities; its settings under its name in ``base_params``.
    bags: draws.
    calibrated: False leaves the mean as it is.
    others: see ``Ensemble``.

    Attributes
    ----------
    out_of_bag_: probabilities (n, C) of the training rows, by learners that did not draw their subject; NaN in rows
        that every draw holds.
    """

    card = MethodCard(
        name="late-bagging",
        title="Bagging of early fusion",
        family="ensemble",
        fusion="early",
        summary="An early fusion learner on bootstrap draws of the subjects, averaged and calibrated out of bag.",
        citation="Breiman 1996, Bagging predictors",
        inferred="Draws of subjects instead of rows; one temperature from the rows out of bag.",
        bases=("concat-logistic",),
    )

    bags: int = 10
    calibrated: bool = True

    def _planned(self, names: Sequence[str]) -> dict[str, Expert]:
        return {name: self._expert(name, names, self.base) for name in (f"bag {b}" for b in range(self.bags))}

    def _learn(self, samples: Samples, codes: Codes) -> None:
        left_out = np.full((self.bags, len(codes), len(self.prior_)), np.nan)
        draws = self._draws(samples.groups)
        planned = self._planned(samples.names).items()
        for (name, expert), proba, (drawn, left) in zip(planned, left_out, draws, strict=True):
            self.experts_[name] = expert.fit(samples[drawn], codes[drawn], self.prior_)
            proba[left] = expert.predict_proba(samples[left])
        heard = ~np.isnan(left_out).all(axis=(0, 2))
        self.out_of_bag_ = np.where(heard[:, None], mean(left_out, self.prior_), np.nan)
        self.temperature_ = 1.0
        if self.calibrated:
            scores = evidence(self.out_of_bag_[heard], self.prior_)
            self.temperature_ = fit_temperature(scores, codes[heard], self.prior_)
            self.n_parameters_ += 1
        if heard.any():
            right = float((self.out_of_bag_[heard].argmax(axis=1) == codes[heard]).mean())
            self.notes_.append(f"out-of-bag accuracy {right:.3f} of {int(heard.sum())} rows")

    def _joined(self, spoken: Floats) -> Proba:
        return tempered(mean(spoken, self.prior_), self.prior_, self.temperature_)

    def _draws(self, groups: np.ndarray) -> Iterator[tuple[Rows, Rows]]:
        """Rows drawn, with repetitions, and rows left out: subjects drawn with replacement, as many as there are."""
        _, subject = np.unique(groups, return_inverse=True)
        n = int(subject.max()) + 1
        rng = np.random.default_rng(derived_seed(self.random_state, "bags"))
        for _ in range(self.bags):
            times = np.bincount(rng.integers(0, n, n), minlength=n)[subject]
            yield np.repeat(np.arange(len(subject)), times), np.flatnonzero(times == 0)
