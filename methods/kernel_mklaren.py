"""Low-rank multiple kernel learning: a few columns of all kernels, chosen together to follow the labels."""

from __future__ import annotations

from typing import Self

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ._calibrate import FOLDS, Platt, out_of_fold
from ._kernels import WIDTHS, Floats, KernelBank
from ._lowrank import Columns, PivotMap, choose_pivots
from ._mklaren import load
from ._vectors import Codes
from .base import Labels, Method, Proba
from .card import MethodCard
from .space import Real, SearchSpace, Whole


class KernelMklaren(Method):
    """Ridge regression of class indicators on at most ``rank`` columns, picked over all kernels by Mklaren.

    Each class against the rest picks its equal share of the columns (two classes are one regression, which picks all);
    the regressions then share the space of all of them. Cost grows with rows x kernels x rank; no n x n matrix
    is formed. Probabilities come from Platt scaling on inner folds by subject, in which the columns are picked anew.

    Parameters
    ----------
    rank: most columns over all kernels and classes.
    widths: "one" or "three" Gaussian kernels a modality, beside a linear one.
    ridge: L2 penalty of the final regression, in units of the rows.
    ahead: look-ahead columns of each kernel.
    penalty: L2 penalty within Mklaren, which only guides the choice of columns.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds.
    """

    card = MethodCard(
        name="kernel-mklaren",
        title="Mklaren (low rank)",
        family="kernel",
        fusion="intermediate",
        summary="Ridge regression on a few kernel columns that least-angle regression picks over all modalities.",
        citation="Strazar and Curk 2016 (arXiv:1601.04366)",
        inferred="one-against-rest indicators share the columns; an absent modality stands at the centre",
        requires=("mklaren",),
        extra="kernels",
    )

    def __init__(
        self,
        rank: int = 60,
        widths: str = "one",
        ridge: float = 1e-3,
        ahead: int = 8,
        penalty: float = 0.01,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.rank = rank
        self.widths = widths
        self.ridge = ridge
        self.ahead = ahead
        self.penalty = penalty
        self.folds = folds
        self.random_state = random_state

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Pick the columns, fit the regression, and calibrate it."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_parameters_ = 0
        if len(self.classes_) == 1:
            return self

        def score(kept: Rows, held: Rows) -> Floats:
            return self._regression().fit(samples[kept], codes[kept]).scores(samples[held])

        rows, scores = out_of_fold(score, codes, samples.groups, self.folds, self.random_state)
        self.platt_ = Platt().fit(scores, codes[rows])
        self.model_ = self._regression().fit(samples, codes)
        self.n_parameters_ = self.model_.coef_.size + self.platt_.n_parameters_
        self.modality_weights_ = self.model_.bank_.shares(self.model_.strengths_, samples.names)
        self.notes_ = []
        if len(self.model_.coef_) < self.rank:
            self.notes_.append(f"kept {len(self.model_.coef_)} of at most {self.rank} columns")
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        return self.platt_(self.model_.scores(samples))

    def _regression(self) -> _Regression:
        return _Regression(self.rank, self.widths, self.ridge, self.ahead, self.penalty)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Rank and penalty."""
        return {"rank": Whole(20, 120, log=True), "ridge": Real(1e-5, 0.1, log=True)}

    @classmethod
    def warm_up(cls) -> None:
        """Import the package."""
        load("mklaren.mkl.mklaren")


class _Regression:
    """Class indicators regressed on low-rank kernel features."""

    def __init__(self, rank: int, widths: str, ridge: float, ahead: int, penalty: float) -> None:
        self.rank, self.widths, self.ridge, self.ahead, self.penalty = rank, widths, ridge, ahead, penalty

    def fit(self, samples: Samples, codes: Codes) -> Self:
        """Learn from at least two classes."""
        self.bank_ = KernelBank(WIDTHS[self.widths], linear=True, references=_REFERENCES).fit(samples)
        indicators = (codes[:, None] == np.unique(codes)).astype(np.float64)
        targets = indicators[:, :1] if indicators.shape[1] == 2 else indicators
        columns = [Columns(kernel) for kernel in self.bank_.kernels_]
        shares = np.full(targets.shape[1], self.rank // targets.shape[1])
        shares[: self.rank % targets.shape[1]] += 1
        pivots = [
            pivot
            for target, share in zip(targets.T, shares, strict=True)
            for pivot in choose_pivots(columns, target, int(share), self.penalty, self.ahead)
        ]
        self.map_ = PivotMap(self.bank_.kernels_, list(dict.fromkeys(pivots)))
        features = self.map_.training(len(codes))
        self.centre_, self.bias_ = features.mean(axis=0), indicators.mean(axis=0)
        centred = features - self.centre_
        normal = centred.T @ centred + self.ridge * len(codes) * np.eye(centred.shape[1])
        self.coef_: Floats = np.linalg.solve(normal, centred.T @ (indicators - self.bias_))
        spread = (centred**2).mean(axis=0) * (self.coef_**2).sum(axis=1)
        self.strengths_ = np.bincount(self.map_.owner, weights=spread, minlength=len(columns))
        return self

    def scores(self, samples: Samples) -> Floats:
        """Regressed indicators (m, k)."""
        return self.bias_ + (self.map_.new(self.bank_, samples) - self.centre_) @ self.coef_


_REFERENCES = 256
"""Training rows whose mean is each kernel's centre: with all of them, centring alone would cost n x n kernel values."""
