"""Low-rank multiple kernel learning: a few columns of all kernels, chosen together to follow the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ..base import Labels, Proba
from ..calibrate import make_calibration, out_of_fold
from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes
from .bank import KernelBank
from .base_kernel import Floats
from .method import KernelMethod
from .mklaren_package import load
from .pivots import Columns, PivotMap, Pivots, choose_pivots


@dataclass(kw_only=True, eq=False, repr=False)
class KernelMklaren(KernelMethod):
    """Ridge regression of class indicators on at most ``rank`` columns, picked over all kernels by Mklaren.

    Each class against the rest picks its equal share of the columns (two classes are one regression, which picks all);
    the regressions then share the space of all of them. Cost grows with rows x kernels x rank, and no n x n matrix is
    formed. Probabilities come from inner folds by subject, which refit the regression only.

    Parameters
    ----------
    rank: most columns over all kernels and classes.
    ridge: L2 penalty of the final regression, in units of the rows.
    ahead: look-ahead columns of each kernel.
    penalty: L2 penalty within Mklaren, which only guides the choice of columns.
    absent: "neutral" or "drop" for rows without a modality, see ``pivots.PivotMap``.
    others: see ``KernelMethod``.
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

    rank: int = 60
    kernels: str = "few"
    ridge: float = 0.01
    ahead: int = 8
    penalty: float = 0.01

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Pick the columns, fit the regression, and calibrate it."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_parameters_ = 0
        if len(self.classes_) == 1:
            return self
        self.bank_ = KernelBank(self.kernels, _REFERENCES, self.images).fit(samples)
        self.map_ = PivotMap(self.bank_.kernels_, self._pivots(codes), self.absent)
        features = self.map_.training(len(codes))

        def score(kept: Rows, held: Rows) -> Floats:
            return Ridge(self.ridge).fit(features[kept], codes[kept])(features[held])

        rows, scores = out_of_fold(score, codes, samples.groups, self.folds, self.random_state)
        self.calibration_ = make_calibration(self.calibration).fit(scores, codes[rows])
        self.model_ = Ridge(self.ridge).fit(features, codes)
        self.n_parameters_ = self.model_.coef_.size + self.calibration_.n_parameters_
        spread = features.var(axis=0) * (self.model_.coef_**2).sum(axis=1)
        strengths = np.zeros(len(self.bank_.kernels_))
        np.add.at(strengths, self.map_.owner, spread)
        self.modality_weights_ = self.bank_.shares(strengths, samples.names)
        self.notes_ = []
        if features.shape[1] < self.rank:
            self.notes_.append(f"kept {features.shape[1]} of at most {self.rank} columns")
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        return self.calibration_(self.model_(self.map_.new(self.bank_, samples)))

    def _pivots(self, codes: Codes) -> Pivots:
        """Each target's share of the columns; one that several targets pick counts once."""
        hot = indicators(codes)
        targets = hot.T[:1] if hot.shape[1] == 2 else hot.T
        shares = np.full(len(targets), self.rank // len(targets))
        shares[: self.rank % len(targets)] += 1
        columns = [Columns(kernel) for kernel in self.bank_.kernels_]
        picked: dict[tuple[int, int], None] = {}
        for target, share in zip(targets, shares, strict=True):
            picked.update(dict.fromkeys(choose_pivots(columns, target, int(share), self.penalty, self.ahead)))
        return list(picked)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Rank and penalty."""
        return {"rank": Whole(20, 120, log=True), "ridge": Real(1e-5, 0.1, log=True)}

    @classmethod
    def warm_up(cls) -> None:
        """Import the package."""
        load("mklaren.mkl.mklaren")


class Ridge:
    """Ridge regression of class indicators; the penalty is per row, and the intercept is free."""

    def __init__(self, ridge: float) -> None:
        self.ridge = ridge

    def fit(self, X: Floats, codes: Codes) -> Self:
        """Learn from features (n, r) and class codes (n,)."""
        hot = indicators(codes)
        self.centre_, self.bias_ = X.mean(axis=0), hot.mean(axis=0)
        Z = X - self.centre_
        self.coef_: Floats = np.linalg.solve(
            Z.T @ Z + self.ridge * len(Z) * np.eye(Z.shape[1]), Z.T @ (hot - self.bias_)
        )
        return self

    def __call__(self, X: Floats) -> Floats:
        """Regressed indicators (m, k), one column for each class that was learnt from."""
        return self.bias_ + (X - self.centre_) @ self.coef_


def indicators(codes: Codes) -> Floats:
    """One 0/1 column for each class that occurs, (n, k)."""
    return (codes[:, None] == np.unique(codes)).astype(np.float64)


_REFERENCES = 256
"""Training rows whose mean is each kernel's centre: with all of them, centring alone would cost n x n kernel values."""
