"""A Gaussian network given the class: each numeric feature depends linearly on its parents and on the class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from fusebench.datasets.samples import Samples

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..structure import Node, Structure
from ..vectors import Codes, Floats
from .categories import CategoryTables, level_counts
from .class_tree import expert_tree
from .discretise import Table
from .gaussian import Moments, is_categorical, split_columns, varies
from .gaussian_network import (
    PairMoments,
    Regressions,
    log_densities,
    pair_information,
    positive,
)
from .generative import Evidence, Generative, column_names
from .knowledge import Knowledge
from .tree import spanning_tree

Shape = Literal["tree", "full", "none"]
_DRAWN_FULL = 12
"""Most columns of a full network that are drawn one by one: 66 edges among them, beyond which nothing is legible."""


class ConditionalGaussian(Generative):
    """p(c) prod_j N(x_j; b0_jc + b_jc . x_parents(j), s2_jc): a conditional Gaussian network below the class.

    Categorical columns are children of the class alone, with Dirichlet-smoothed tables (discrete variables of such a
    network have no continuous parents). Missing cells are integrated out exactly. With ``structure="full"`` the model
    is quadratic discriminant analysis, linear with ``shared`` parameters; with "none" it is Gaussian naive Bayes.

    Covariances given the class come from pairs of present cells. A class's own is
    (P_c + strength W) / (N_c + strength), with sums of products P_c and W = sum P_c / n, the covariance within all
    classes (Friedman 1989); then covariances, not variances, are multiplied by 1 - ``shrinkage``. A class's means are
    those of its present cells. Columns beyond ``max_columns`` are dropped by their ratio of total variance to variance
    within classes.

    Parameters
    ----------
    structure: "tree": the maximum spanning tree under I(X_i; X_j | C) of Gaussian columns; "full": every column on all
        before it; "none".
    shared: whether b and s2 are the same in all classes; only b0 differs then.
    strength: rows that the covariance within all classes weighs in a class's own.
    shrinkage: between 0 and 1; None for the oracle-approximating intensity, see ``gaussian_network.shrink``.
    alpha: Dirichlet prior of the classes and of categorical columns, in counts a value.
    max_columns: most numeric columns, unless required edges name more.
    tiers, required, forbidden: expert knowledge of the tree's edges, see ``knowledge.Knowledge``; the tree then has
        directions, and may be a forest. Categorical columns have no edge but the one from the class.
    """

    card = MethodCard(
        name="conditional-gaussian",
        title="Conditional Gaussian network",
        family="graphical",
        fusion="intermediate",
        summary="Each feature is a linear function of its parents with Gaussian noise, within and across modalities.",
        citation="Lauritzen and Wermuth 1989; Perez, Larranaga and Inza 2006 (as classifiers)",
        inferred=(
            "class covariances are drawn to the common one as in Friedman 1989, then to the diagonal by the OAS rule; "
            "training moments over pairs of present cells; preselected columns"
        ),
    )

    def __init__(
        self,
        structure: Shape = "tree",
        shared: bool = False,
        strength: float = 20.0,
        shrinkage: float | None = None,
        alpha: float = 1.0,
        max_columns: int = 200,
        tiers: Sequence[Sequence[str]] = (),
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> None:
        self.structure = structure
        self.shared = shared
        self.strength = strength
        self.shrinkage = shrinkage
        self.alpha = alpha
        self.max_columns = max_columns
        self.tiers = tiers
        self.required = required
        self.forbidden = forbidden

    def _learn(self, samples: Samples, codes: Codes, k: int) -> None:
        if self.structure not in ("tree", "full", "none"):
            raise ValueError(f"structure {self.structure!r}: use tree, full or none")
        if self._informed and self.structure != "tree":
            raise ValueError(f"structure {self.structure!r} has fixed edges; expert knowledge needs a tree")
        self._names = samples.names
        self._name_columns(samples)
        numeric, table = self._split(samples)
        moments = Moments.of(numeric, codes, k)
        total = moments.total()
        self.columns_ = self._choose(moments, total)
        self.features_ = [self._numeric[j] for j in self.columns_]
        self.owner_ = self._numeric_owner[self.columns_]
        self._origin = total.mean[self.columns_, 0]
        self._scale = np.sqrt(total.variance[self.columns_, 0])
        self._learn_network(self._standardised(numeric), codes, k)
        levels = np.concatenate([level_counts(modality) for modality in samples.modalities])
        self.tables_ = CategoryTables(table, levels, codes, k, self.alpha)
        edges = sum(map(len, self.parents_))
        slopes_and_spreads = (edges + len(self.features_)) * (1 if self.shared else k)
        self.n_parameters_ = len(self.features_) * k + slopes_and_spreads + self.tables_.n_parameters
        self.structure_ = self._graph()

    def _learn_network(self, Z: Floats, codes: Codes, k: int) -> None:
        pairs = PairMoments.of(Z, codes, k)
        self.mean_ = pairs.mean
        D = Z.shape[1]
        self.parents_: list[list[int]] = [[] for _ in range(D)]
        covariances = pairs.covariances(self.strength, self.shared, self.shrinkage) if D else np.ones((1, 0, 0))
        if self.structure == "full":
            self.parents_ = [list(range(j)) for j in range(D)]
            self.regressions_ = Regressions.full(positive(covariances))
        else:
            if self.structure == "tree" and (D or self._informed):
                weights = np.bincount(codes, minlength=k) / len(codes) if len(covariances) > 1 else np.ones(1)
                information = pair_information(covariances, weights)
                above = self._expert_tree(information) if self._informed else spanning_tree(information)
                self.parents_ = [[int(p)] if p >= 0 else [] for p in above]
            self.regressions_ = Regressions.of(covariances, self.parents_)
        self.covariances_ = self.regressions_.covariances()

    @property
    def _informed(self) -> bool:
        """Whether there is expert knowledge."""
        return bool(self.tiers or self.required or self.forbidden)

    def _knowledge(self) -> Knowledge:
        """Expert knowledge of all columns: the numeric ones, then the categorical ones."""
        owners = [self._names[m] for m in (*self._numeric_owner, *self._categorical_owner)]
        features = [*self._numeric, *self._categorical]
        return Knowledge(features, owners, self.tiers, self.required, self.forbidden)

    def _expert_tree(self, information: Floats) -> Codes:
        knowledge, numeric = self._knowledge(), len(self._numeric)
        if dull := [self._numeric[j] for j in set(knowledge.needed) if j < numeric and j not in self.columns_]:
            self.notes_.append(f"required edges of {', '.join(sorted(dull))} are left out: constant on training rows")
        columns = np.concatenate([self.columns_, numeric + np.arange(len(self._categorical))])
        names = [*self.features_, *self._categorical]
        return expert_tree(information, knowledge, columns, names, "a conditional Gaussian tree")

    def _choose(self, moments: Moments, total: Moments) -> Codes:
        """The columns that vary, at most ``max_columns`` of them, in their order."""
        usable = np.flatnonzero(varies(total))
        if len(usable) <= self.max_columns:
            return usable
        ratio = moments.within[usable, 0] / total.variance[usable, 0]
        needed = np.isin(usable, self._knowledge().needed if self._informed else [])
        ratio[needed] = -1.0  # required edges need their columns
        best = np.argsort(ratio, kind="stable")[: max(self.max_columns, int(needed.sum()))]
        self.notes_.append(
            f"kept {len(best)} of {len(usable)} numeric columns by total variance over variance within classes"
        )
        return usable[np.sort(best)]

    def _name_columns(self, samples: Samples) -> None:
        names: dict[bool, list[str]] = {False: [], True: []}
        owners: dict[bool, list[int]] = {False: [], True: []}
        for index, modality in enumerate(samples.modalities):
            for name, categorical in zip(column_names(modality), is_categorical(modality), strict=True):
                names[bool(categorical)].append(name)
                owners[bool(categorical)].append(index)
        self._numeric, self._categorical = names[False], names[True]
        self._numeric_owner = np.array(owners[False], dtype=np.intp)
        self._categorical_owner = np.array(owners[True], dtype=np.intp)

    def _split(self, samples: Samples) -> tuple[Floats, Table]:
        parts = [split_columns(samples.modality(name)) for name in self._names]
        return np.hstack([numeric for numeric, _ in parts]), np.hstack([table for _, table in parts])

    def _standardised(self, numeric: Floats) -> Floats:
        return (numeric[:, self.columns_] - self._origin) / self._scale

    def _log_likelihood(self, samples: Samples) -> Floats:
        numeric, table = self._split(samples)
        return self._log_densities(self._standardised(numeric), table)

    def _log_densities(self, Z: Floats, table: Table) -> Floats:
        return log_densities(Z, self.mean_, self.covariances_) + self.tables_(table)

    def _evidence(self, samples: Samples) -> Evidence:
        numeric, table = self._split(samples)
        Z = self._standardised(numeric)
        return {
            name: self._log_densities(
                np.where(self.owner_ == m, Z, np.nan), np.where(self._categorical_owner == m, table, -1)
            )
            for m, name in enumerate(self._names)
        }

    def _graph(self) -> Structure:
        owners = [*self.owner_, *self._categorical_owner]
        features = [*self.features_, *self._categorical]
        nodes = [Node(name, self._names[m]) for name, m in zip(features, owners, strict=True)]
        edges = [(self.features_[p], self.features_[j]) for j, above in enumerate(self.parents_) for p in above]
        if self.structure == "full" and len(self.features_) > _DRAWN_FULL:
            return self._modality_graph()
        given_class = [("class", node.name) for node in nodes]
        return Structure((Node("class", "", "class"), *nodes), (*given_class, *edges))

    def _modality_graph(self) -> Structure:
        """One node a modality, each on all before it: the shape of a full network that is too large to draw."""
        names = [f"{name} (all columns)" for name in self._names]
        nodes = [Node(node, name) for node, name in zip(names, self._names, strict=True)]
        edges = [("class", name) for name in names] + [(a, b) for j, b in enumerate(names) for a in names[:j]]
        return Structure((Node("class", "", "class"), *nodes), tuple(edges))

    def to_pgmpy(self) -> list[Any]:
        """One ``pgmpy.models.LinearGaussianBayesianNetwork`` for each class, in the order of ``classes_``.

        pgmpy has no network of discrete and Gaussian variables together: the class's probabilities (``prior_``) and
        the tables of categorical columns (``tables_``) stay outside. Columns are in their own units.
        """
        return [self._pgmpy_of(c) for c in range(len(self.classes_))]

    def _pgmpy_of(self, c: int) -> Any:
        from pgmpy.factors.continuous import LinearGaussianCPD
        from pgmpy.models import LinearGaussianBayesianNetwork

        own = 0 if self.shared else c
        network = LinearGaussianBayesianNetwork()
        network.add_nodes_from(self.features_)
        centre = self._origin + self._scale * self.mean_[c]
        for j, (name, above) in enumerate(zip(self.features_, self.parents_, strict=True)):
            slopes = self.regressions_.coefficients[own, j, above] * self._scale[j] / self._scale[above]
            parents: Sequence[str] = [self.features_[p] for p in above]
            network.add_edges_from((p, name) for p in parents)
            spread = self._scale[j] * float(np.sqrt(self.regressions_.residual[own, j]))
            intercept = centre[j] - slopes @ centre[above]
            network.add_cpds(LinearGaussianCPD(name, [intercept, *slopes], spread, parents))
        return network

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The shape of the network, and how far a class's parameters are drawn towards common ones."""
        return {
            "structure": Choice(("tree", "full", "none")),
            "shared": Choice((False, True)),
            "strength": Real(1.0, 300.0, log=True),
        }
