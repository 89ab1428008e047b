"""The floor for fusion: the one modality that does best on its own, chosen inside the training rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows, inner_folds

from ..base import Labels, Method, Proba
from ..card import MethodCard
from ..features import FeatureBlocks
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats, logistic


class BestSingle(Method):
    """Logistic regression on the modality with the lowest log-loss in an inner cross-validation by subject.

    Rows without the chosen modality are scored at its training mean. ``losses_`` holds every modality's log-loss.

    Parameters
    ----------
    C: inverse strength of the L2 penalty.
    folds: inner folds for the choice.
    random_state: seed of the inner folds.
    """

    card = MethodCard(
        name="best-single",
        title="Best single modality",
        family="baseline",
        fusion="none",
        role="floor",
        summary="Logistic regression on the one modality with the lowest inner cross-validated log-loss.",
    )

    def __init__(self, C: float = 0.1, folds: int = 3, random_state: int = 0) -> None:
        self.C = C
        self.folds = folds
        self.random_state = random_state

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Choose the modality on inner folds, then fit it on all training rows."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        several = len(self.classes_) > 1
        folds = inner_folds(codes, samples.groups, self.folds, self.random_state) if several else []
        self.losses_ = {name: self._loss(samples.select([name]), codes, folds) for name in samples.names}
        self.chosen_ = min(samples.names, key=lambda name: self.losses_[name])
        self.modality_weights_ = {name: float(name == self.chosen_) for name in samples.names}
        self.n_parameters_ = 0
        if several:
            self.blocks_, self.model_ = self._fit_one(samples.select([self.chosen_]), codes)
            self.n_parameters_ = self.model_.coef_.size + self.model_.intercept_.size
            self.flops_ = 2.0 * self.model_.coef_.size
        self.notes_ = [f"chose {self.chosen_}"]
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities from the chosen modality, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        return self.model_.predict_proba(self.blocks_.concatenated(samples.select([self.chosen_])))

    def _fit_one(self, samples: Samples, codes: Codes) -> tuple[FeatureBlocks, Any]:
        blocks = FeatureBlocks().fit(samples)
        return blocks, logistic(self.C).fit(blocks.concatenated(samples), codes)

    def _loss(self, samples: Samples, codes: Codes, folds: list[tuple[Rows, Rows]]) -> float:
        losses: list[npt.NDArray[np.float64]] = []
        for kept, held in folds:
            if len(np.unique(codes[kept])) > 1:
                blocks, model = self._fit_one(samples[kept], codes[kept])
                proba: Floats = np.zeros((len(held), len(self.classes_)))
                proba[:, model.classes_] = model.predict_proba(blocks.concatenated(samples[held]))
                losses.append(-np.log(np.clip(proba[np.arange(len(held)), codes[held]], 1e-12, None)))
        return float(np.concatenate(losses).mean()) if losses else 0.0

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The penalty."""
        return {"C": Real(1e-3, 10.0, log=True)}
