"""The simplest graphical model for fusion: given the class, all features of all modalities are independent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes, Floats
from .bayes_net import BayesNet
from .discretise import Table
from .tables import Counts, conditional, posterior


class NaiveBayes(BayesNet):
    """Discrete naive Bayes over the features of all modalities: p(c | x) ~ p(c) prod_j p(x_j | c).

    p(x_j = v | c) = (N_jvc + alpha) / (N_jc + alpha r_j), with counts over the rows where x_j is present. A missing x_j
    drops its factor, which is the exact marginal.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    alpha: Dirichlet prior, in counts a value.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    """

    card = MethodCard(
        name="naive-bayes",
        title="Naive Bayes",
        family="graphical",
        fusion="intermediate",
        summary="Bayesian network in which all features of all modalities are independent given the class.",
        citation="Friedman, Geiger and Goldszmidt 1997, section 2",
        inferred="quantile bins in place of entropy-based ones",
        requires=("pgmpy",),
        extra="graphical",
    )

    def __init__(self, bins: int = 5, alpha: float = 1.0, max_columns: int = 2000) -> None:
        self.bins = bins
        self.alpha = alpha
        self.max_columns = max_columns

    def _learn(self, table: Table, codes: Codes, counts: Counts) -> int:
        self.conditional_ = conditional(counts, self.levels_, self.alpha)
        with np.errstate(divide="ignore"):
            logs = np.log(self.conditional_)
        # One row more, of zeros: a missing cell has code -1 and so adds nothing.
        self._log = np.concatenate([logs, np.zeros((len(logs), 1, logs.shape[2]))], axis=1)
        return int((self.levels_ - 1).sum()) * len(self.classes_)

    def _posterior(self, table: Table) -> Proba:
        log_joint = np.tile(np.log(self.prior_), (len(table), 1))
        for j, column in enumerate(table.T):
            log_joint += self._log[j, column]
        return posterior(log_joint)

    def _tables(self) -> Iterator[tuple[str, int, tuple[str, int] | None, Floats]]:
        for name, levels, values in zip(self.features_, self.levels_, self.conditional_, strict=True):
            yield name, int(levels), None, values[:levels]

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Bins and prior counts."""
        return {"bins": Whole(2, 10), "alpha": Real(0.1, 10.0, log=True)}
