"""What the discrete Bayesian network classifiers share: codes, choice of columns, exact posteriors, the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Labels, Method, Proba
from ..structure import Structure
from ..vectors import Codes, Floats
from .discretise import Cuts, Discretiser, Table
from .inference import ClassPosterior
from .knowledge import Knowledge
from .network import CLASS, Network
from .tables import Counts, class_counts, mutual_information


class DiscreteMethod(Method):
    """A classifier by the discretised features of all modalities, side by side.

    The features are cut on the training rows; when there are more than the method takes, those are kept that required
    edges name, and then those that share the most information with the class on the training rows. Columns stand in the
    order of their modalities' names, so that the order in which modalities are given decides nothing.
    """

    bins: int
    cuts: Cuts
    max_columns: int
    tiers: Sequence[Sequence[str]] = ()
    required: Sequence[str] = ()
    forbidden: Sequence[str] = ()

    structure_: Structure
    n_parameters_: int

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn cuts, columns, structure and tables.

        Raises
        ------
        ValueError: expert knowledge that names what does not exist, or contradicts itself.
        """
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.discretiser_ = Discretiser(self.bins, self.cuts).fit(samples, codes)
        owners = np.array(samples.names)[self.discretiser_.owner_]
        features = self.discretiser_.features_
        knowledge = Knowledge(features, owners.tolist(), self.tiers, self.required, self.forbidden)
        table = self.discretiser_.transform(samples)
        counts = class_counts(table, codes, self.discretiser_.levels_, len(self.classes_))
        information = mutual_information(counts)
        self.columns_ = self._choose(information, owners, knowledge.needed)
        self.levels_ = self.discretiser_.levels_[self.columns_]
        self.features_ = [features[j] for j in self.columns_]
        self.modalities_ = owners[self.columns_].tolist()
        self.notes_: list[str] = []
        if (kept := len(self.columns_)) < len(features):
            self.notes_.append(f"kept {kept} of {len(features)} columns by mutual information with the class")
        self._learn(table[:, self.columns_], codes, counts[self.columns_], knowledge)
        self.modality_weights_ = self._shares(information[self.columns_], samples.names)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Exact class posteriors, shape (n, len(classes_))."""
        return self._posterior(self.discretiser_.transform(samples)[:, self.columns_])

    def _choose(self, information: Floats, owners: np.ndarray, needed: Sequence[int]) -> Codes:
        """Positions of the columns to keep; ties go to the first modality's first column."""
        rank = information.copy()
        rank[list(needed)] = np.inf
        columns = np.argsort(owners, kind="stable")
        best = np.argsort(-rank[columns], kind="stable")
        most = max(self._most(self.discretiser_.levels_[columns[best]]), len(set(needed)))
        return columns[np.sort(best[:most])]

    def _most(self, levels: Codes) -> int:
        """How many of the columns with these levels, best first, can be kept."""
        return self.max_columns

    def _shares(self, information: Floats, names: tuple[str, ...]) -> dict[str, float]:
        """Each modality's share of the information that the columns which count share with the class."""
        weights = np.where(self._counting(), information, 0.0)
        total = float(weights.sum())
        owner = np.array(self.modalities_)
        return {n: float(weights[owner == n].sum()) / total if total > 0 else 1.0 / len(names) for n in names}

    def _counting(self) -> np.ndarray:
        """Which columns have a say in the posterior of a complete row, (D,)."""
        return np.ones(len(self.columns_), dtype=bool)

    def _learn(self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge) -> None:
        """Learn from the kept columns; sets ``structure_`` and ``n_parameters_``."""
        raise NotImplementedError

    def _posterior(self, table: Table) -> Proba:
        raise NotImplementedError


class BayesNet(DiscreteMethod):
    """A classifier by one Bayesian network over the class and the features: ``network_``.

    A missing cell or absent modality is summed out exactly.
    """

    network_: Network

    def to_pgmpy(self) -> Any:
        """The fitted network as a ``pgmpy.models.DiscreteBayesianNetwork``, for inspection and further inference.

        The class variable is called "class", a feature "modality.column"; states are numbers in increasing order.
        """
        return self.network_.to_pgmpy()

    def _learn(self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge) -> None:
        parents, tables = self._network(table, codes, counts, knowledge)
        names, levels = (*self.features_, CLASS), (*self.levels_.tolist(), len(self.classes_))
        self.network_ = Network(names, levels, parents, tables)
        self._inference = ClassPosterior(self.network_)
        self.n_parameters_ = self.network_.n_parameters
        self.structure_ = self.network_.structure(self.modalities_)

    def _posterior(self, table: Table) -> Proba:
        return self._inference(table)

    def _network(
        self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge
    ) -> tuple[tuple[tuple[int, ...], ...], tuple[Floats, ...]]:
        """Parents and table of every column, then of the class, as ``Network`` takes them."""
        raise NotImplementedError
