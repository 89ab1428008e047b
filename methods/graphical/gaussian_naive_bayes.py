"""Naive Bayes without discretising: numeric columns are Gaussian given the class."""

from __future__ import annotations

from dataclasses import dataclass

from fusebench.datasets.samples import Modality

from ..card import MethodCard
from ..space import Real, SearchSpace
from .gaussian import GaussianFactor
from .generative import Factored


@dataclass(kw_only=True, eq=False, repr=False)
class GaussianNaiveBayes(Factored):
    """Mixed naive Bayes: p(c | x) ~ p(c) prod_j p(x_j | c), Gaussian for numeric columns, tables for categorical ones.

    A missing x_j drops its factor, which is the exact marginal; see ``gaussian.GaussianFactor``.

    Parameters
    ----------
    strength: rows that a column's variance within all classes weighs in each class's own.
    alpha: Dirichlet prior of the classes and of categorical columns, in counts a value.
    others: see ``Factored``; the parts that repeat each other are columns. An option here: plain by default.
    """

    card = MethodCard(
        name="gaussian-naive-bayes",
        title="Gaussian naive Bayes",
        family="graphical",
        fusion="intermediate",
        summary="Naive Bayes with Gaussian numeric and tabulated categorical columns of all modalities.",
        citation="Duda and Hart 1973; John and Langley 1995, section 2",
        inferred=(
            "a class's variance is drawn towards the variance within all classes by a prior of some rows' weight; "
            "tempering is an option"
        ),
    )

    strength: float = 10.0
    alpha: float = 1.0
    tempered: bool = False

    def _factor(self, modality: Modality) -> GaussianFactor:
        return GaussianFactor(self.strength, self.alpha)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """How far a class's variance is drawn towards the common one."""
        return {"strength": Real(0.1, 100.0, log=True)}
