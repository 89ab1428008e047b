"""What the discrete Bayesian network classifiers share: codes, choice of columns, and the network as pgmpy's object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Labels, Method, Proba
from ..vectors import Codes, Floats
from .discretise import Discretiser, Table
from .tables import Counts, class_counts, mutual_information

if TYPE_CHECKING:
    from collections.abc import Iterable


class BayesNet(Method):
    """A classifier by a Bayesian network over the class and the discretised features of all modalities.

    The features are cut at training quantiles; when there are more than ``max_columns``, those that share the most
    information with the class on the training rows are kept. A missing cell or absent modality is summed out exactly.
    """

    bins: int
    alpha: float
    max_columns: int

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn cuts, columns, structure and tables."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        self.discretiser_ = Discretiser(self.bins).fit(samples)
        table = self.discretiser_.transform(samples)
        counts = class_counts(table, codes, self.discretiser_.levels_, k)
        information = mutual_information(counts)
        # Ties go to the earlier column, and the kept columns stay in their order.
        self.columns_ = np.sort(np.argsort(-information, kind="stable")[: self.max_columns])
        self.levels_ = self.discretiser_.levels_[self.columns_]
        self.features_ = [self.discretiser_.features_[j] for j in self.columns_]
        self.prior_ = (np.bincount(codes, minlength=k) + self.alpha) / (len(codes) + self.alpha * k)
        self.modality_weights_ = self._shares(information, samples.names)
        self.notes_ = []
        if len(information) > self.max_columns:
            self.notes_.append(
                f"kept {self.max_columns} of {len(information)} columns by mutual information with the class"
            )
        self.n_parameters_ = k - 1 + self._learn(table[:, self.columns_], codes, counts[self.columns_])
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Exact class posteriors, shape (n, len(classes_))."""
        return self._posterior(self.discretiser_.transform(samples)[:, self.columns_])

    def to_pgmpy(self) -> Any:
        """The fitted network as a ``pgmpy.models.DiscreteBayesianNetwork``, for inspection and further inference.

        The class variable is called "class", a feature "modality.column"; states are numbers in increasing order.
        """
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

        k = len(self.classes_)
        network = DiscreteBayesianNetwork()
        network.add_node("class")
        network.add_cpds(TabularCPD("class", k, self.prior_[:, None]))
        for name, levels, parent, values in self._tables():
            network.add_node(name)
            network.add_edge("class", name)
            parents, sizes = ["class"], [k]
            if parent is not None:
                network.add_edge(parent[0], name)
                parents.append(parent[0])
                sizes.append(parent[1])
            network.add_cpds(TabularCPD(name, levels, values, evidence=parents, evidence_card=sizes))
        return network

    def _shares(self, information: Floats, names: tuple[str, ...]) -> dict[str, float]:
        kept = information[self.columns_]
        owner = self.discretiser_.owner_[self.columns_]
        total = float(kept.sum())
        return {
            n: float(kept[owner == m].sum()) / total if total > 0 else 1.0 / len(names) for m, n in enumerate(names)
        }

    def _learn(self, table: Table, codes: Codes, counts: Counts) -> int:
        """Learn structure and tables from the kept columns; the number of free parameters below the class."""
        raise NotImplementedError

    def _posterior(self, table: Table) -> Proba:
        raise NotImplementedError

    def _tables(self) -> Iterable[tuple[str, int, tuple[str, int] | None, Floats]]:
        """For each feature: name, levels, (parent's name, its levels) or None, and (levels, k [x parent's levels])."""
        raise NotImplementedError
